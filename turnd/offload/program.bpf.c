// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
//
// The kernel's part of turnd: forwards ChannelData from clients to peers as UDP, and UDP from peers to
// clients as ChannelData, before a socket is touched. Runs for each frame that a network interface
// receives. docs/decisions/0070-relaying-in-the-kernel.md has the design.
//
// What must hold: whatever this program is not sure about it leaves alone (XDP_PASS), and turnd's
// sockets get it, unchanged. So nothing is written before everything has been found in order.
#include <linux/bpf.h>
// It uses the types of the one above.
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "turnd/offload/frame.bpf.h"
#include "turnd/offload/layout.h"
#include "turnd/offload/payload.bpf.h"
#include "turnd/offload/rewrite.bpf.h"
#include "turnd/offload/sums.bpf.h"

// The sizes are set when it is loaded.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC); // an idle server takes no memory for those that might come
  __type(key, struct OffloadKey);
  __type(value, struct OffloadDirection);
  __uint(max_entries, 2);
} directions SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct OffloadRecord);
  __uint(max_entries, 2);
} records SEC(".maps");

// Those that run this program, by index: packets may leave by them.
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, 64);
} interfaces SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, kOffloadPasses);
} passes SEC(".maps");

// Of the interface that it is loaded for.
const volatile struct OffloadOwn own = {};

static __always_inline int pass(__u32 why) {
  __u64* count = bpf_map_lookup_elem(&passes, &why);
  if (count) ++*count;
  return XDP_PASS;
}

// Promiscuous interfaces receive what is for others, too.
static __always_inline int is_for_us(struct xdp_md* ctx) {
  const struct ethhdr* ethernet = (const void*)(long)ctx->data;
  if ((const void*)(ethernet + 1) > (const void*)(long)ctx->data_end) return 0;
  const __u16* to = (const __u16*)ethernet->h_dest;
  const volatile __u16* mac = (const volatile __u16*)own.mac;
  return to[0] == mac[0] && to[1] == mac[1] && to[2] == mac[2];
}

// A peer's first bytes may look like a channel's number, so both are asked.
static __always_inline struct OffloadDirection* direction_of(struct frame* frame) {
  if (has_channel(frame)) {
    frame->key.channel = frame->channel;
    struct OffloadDirection* direction = bpf_map_lookup_elem(&directions, &frame->key);
    if (direction) return direction;
    frame->key.channel = 0;
  }
  return bpf_map_lookup_elem(&directions, &frame->key);
}

// RFC 8656 section 12.4: the length is the payload's. Padding is nothing's if it is zero.
static __always_inline int channel_header_is_right(const struct frame* frame) {
  const __u32 said = bpf_ntohs(frame->channel_length) + kChannelHeaderBytes;
  return said <= frame->payload_bytes && frame->payload_bytes - said <= kOffloadMaxPadding;
}

static __always_inline long look_up(struct bpf_fib_lookup* next, struct xdp_md* ctx,
                                    const struct frame* frame, const struct outgoing* leaving) {
  const struct OffloadDirection* out = leaving->out;
  next->family = out->family == 4 ? kFamilyIpv4 : kFamilyIpv6;
  next->l4_protocol = kProtocolUdp;
  next->sport = out->source_port;
  next->dport = out->destination_port;
  next->tot_len = ip_bytes_of(leaving); // is held against the MTU
  // As for packets that this machine makes itself. It need not be a router for others.
  next->ifindex = kLoopbackIndex;
  if (out->family == 4) {
    next->tos = frame->traffic_class & kDscpBits;
    __builtin_memcpy(&next->ipv4_src, out->source, 4);
    __builtin_memcpy(&next->ipv4_dst, out->destination, 4);
  } else {
    next->flowinfo = bpf_htonl((__u32)frame->traffic_class << 20);
    __builtin_memcpy(next->ipv6_src, out->source, 16);
    __builtin_memcpy(next->ipv6_dst, out->destination, 16);
  }
  return bpf_fib_lookup(ctx, next, sizeof *next, 0);
}

static __always_inline __u32 pass_of(long lookup) {
  switch (lookup) {
    case BPF_FIB_LKUP_RET_NO_NEIGH:
      return kOffloadPassNoNeighbour;
    case BPF_FIB_LKUP_RET_FRAG_NEEDED:
      return kOffloadPassTooLong;
    default:
      return kOffloadPassNoRoute;
  }
}

// What packets may be sent back by without asking whether it is served: the one that they came by.
static __always_inline int sends_back(const struct xdp_md* ctx, __u32 leaves_by) {
  return own.sends_back && leaves_by == ctx->ingress_ifindex;
}

// A function of its own for the verifier. kOffloadPasses: the way has been found.
static __noinline __u32 find_way(struct xdp_md* ctx, const struct frame* frame,
                                 const struct outgoing* leaving, struct OffloadWay* way,
                                 __u64 now) {
  struct bpf_fib_lookup next = {};
  const long lookup = look_up(&next, ctx, frame, leaving);
  if (lookup != BPF_FIB_LKUP_RET_SUCCESS) return pass_of(lookup);
  const __u32 leaves_by = next.ifindex;
  if (!sends_back(ctx, leaves_by) && !bpf_map_lookup_elem(&interfaces, &leaves_by)) {
    return kOffloadPassOtherInterface;
  }
  way->leaves_by = leaves_by;
  __builtin_memcpy(way->to, next.dmac, kOffloadMacBytes);
  __builtin_memcpy(way->from, next.smac, kOffloadMacBytes);
  way->mtu = next.mtu_result;
  way->dscp = frame->traffic_class & kDscpBits;
  __sync_lock_test_and_set(&way->until, now + OFFLOAD_WAY_INTERVAL_NS); // after the others
  return kOffloadPasses;
}

SEC("xdp.frags")
int turnd_relay(struct xdp_md* ctx) {
  // What is it, and whose?
  if (!is_for_us(ctx)) return XDP_PASS;
  struct frame frame = {};
  if (!read_frame(ctx, &frame)) return XDP_PASS;
  const struct OffloadDirection* out = direction_of(&frame);
  if (!out) return XDP_PASS;
  const int to_peer = out->channel == 0;
  if (to_peer && !channel_header_is_right(&frame)) return XDP_PASS;

  // May it pass, and now?
  const __u32 index = out->record;
  struct OffloadRecord* record = bpf_map_lookup_elem(&records, &index);
  if (!record) return XDP_PASS;
  const __u64 now = bpf_ktime_get_coarse_ns();
  if (*(volatile __u64*)&record->expires <= now) return pass(kOffloadPassExpired);
  if (frame.hop_limit <= 1) return pass(kOffloadPassHopLimit);
  if (record->next_ordinary <= now) {
    record->next_ordinary = now + OFFLOAD_ORDINARY_INTERVAL_NS;
    return pass(kOffloadPassOrdinaryTurn);
  }

  // Has it come as it was sent?
  struct outgoing leaving = {.out = out};
  leaving.payload_bytes = to_peer ? bpf_ntohs(frame.channel_length) : frame.payload_bytes;
  if (to_peer) {
    const __u32 padding = frame.payload_bytes - kChannelHeaderBytes - leaving.payload_bytes;
    if (!padding_is_zero(ctx, &frame, padding)) return pass(kOffloadPassChecksum);
  }
  __u32 payload_sum = 0;
  if (!checksum_is_right(ctx, &frame, out, &payload_sum)) return pass(kOffloadPassChecksum);

  // How does it leave? Without the client's header, or with one for it.
  leaving.channel_length = bpf_htons(leaving.payload_bytes);
  leaving.payload_sum =
      (__u64)payload_sum + (to_peer ? ~word_of(frame.channel, frame.channel_length)
                                    : word_of(out->channel, leaving.channel_length));
  leaving.identification = bpf_htons((__u16)record->packets + (__u16)(index * 40503));
  struct OffloadWay* way = &record->way;
  if (*(volatile __u64*)&way->until <= now || way->dscp != (frame.traffic_class & kDscpBits)) {
    const __u32 why = find_way(ctx, &frame, &leaving, way, now);
    if (why != kOffloadPasses) return pass(why);
  } else if (ip_bytes_of(&leaving) > way->mtu) {
    return pass(kOffloadPassTooLong);
  }

  const __u32 bytes = leaving.payload_bytes;
  const __u32 leaves_by = way->leaves_by;
  switch (rewrite(ctx, &frame, &leaving, way)) {
    case kRewritten:
      break;
    case kLeftAlone:
      return pass(kOffloadPassNoHeadroom);
    case kBroken: // cutting the end off a packet doesn't fail
      return XDP_ABORTED;
  }
  __sync_fetch_and_add(&record->packets, 1);
  __sync_fetch_and_add(&record->bytes, bytes);
  return sends_back(ctx, leaves_by) ? XDP_TX : bpf_redirect_map(&interfaces, leaves_by, 0);
}

// What looks up routes is for programs under the GPL alone; this file may be had under it.
char program_license[] SEC("license") = "GPL";
