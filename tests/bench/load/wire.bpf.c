// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
//
// What is on either side of a relay when its cost in the kernel is measured: frames that are made without a
// socket, and their end, which reads their age. And the least that a relay can do: it turns a frame round.
#include <linux/bpf.h>
// They use the types of the one above.
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "tests/bench/load/wire.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, struct WireHead);
  __uint(max_entries, kWireMostFrames);
} heads SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct WireSeen);
  __uint(max_entries, 1);
} seen SEC(".maps");

const volatile struct WireOwn own = {};
struct WireSent sent = {};

// Who is late by so much doesn't catch up.
#define WIRE_TOO_LATE_NS 10000000ULL

static __always_inline int is_due(__u64 now) {
  if (own.interval == 0) return 1;
  if (now < sent.due) return 0;
  if (++sent.of_burst >= own.burst) {
    sent.of_burst = 0;
    sent.due = now - sent.due > WIRE_TOO_LATE_NS ? now : sent.due + own.interval;
  }
  return 1;
}

SEC("xdp")
int wire_send(struct xdp_md* ctx) {
  __u8* data = (void*)(long)ctx->data;
  const void* end = (const void*)(long)ctx->data_end;
  __u64 stamp[2] = {bpf_ktime_get_ns()};
  if (!is_due(stamp[0])) return XDP_DROP;
  stamp[1] = ~stamp[0];
  const __u32 number = sent.next_frame;
  sent.next_frame = number + 1 < own.frames ? number + 1 : 0;
  const struct WireHead* head = bpf_map_lookup_elem(&heads, &number);
  if (!head || (const void*)(data + kWireHeadBytes) > end) return XDP_ABORTED;
  __builtin_memcpy(data, head->bytes, kWireHeadBytes);
  if (own.stamp_at > kWireHeadBytes - sizeof stamp) return XDP_ABORTED;
  __builtin_memcpy(data + own.stamp_at, stamp, sizeof stamp);
  return bpf_redirect(own.leaves_by, 0);
}

// Sixteen for each power of two.
static __always_inline __u32 bucket_of(__u64 age) {
  __u32 power = 0;
  __u64 left = age;
#pragma unroll
  for (int step = 32; step > 0; step >>= 1) {
    if (left >> step) {
      left >>= step;
      power += step;
    }
  }
  const __u32 shift = power > 4 ? power - 4 : 0;
  return shift * kWireParts + (__u32)(age >> shift);
}

SEC("xdp")
int wire_sink(struct xdp_md* ctx) {
  const __u8* data = (const void*)(long)ctx->data;
  const void* end = (const void*)(long)ctx->data_end;
  if (own.stamp_at > kWireHeadBytes - 16) return XDP_PASS;
  if ((const void*)(data + own.stamp_at + 16) > end) return XDP_PASS;
  __u64 stamp[2];
  __builtin_memcpy(stamp, data + own.stamp_at, sizeof stamp);
  if (stamp[0] != ~stamp[1]) return XDP_PASS;
  const __u32 only = 0;
  struct WireSeen* all = bpf_map_lookup_elem(&seen, &only);
  if (!all) return XDP_PASS;
  ++all->packets;
  const __u32 bucket = bucket_of(bpf_ktime_get_ns() - stamp[0]);
  if (bucket < kWireBuckets) ++all->buckets[bucket];
  return XDP_DROP;
}

SEC("xdp")
int wire_reflect(struct xdp_md* ctx) {
  struct ethhdr* ethernet = (void*)(long)ctx->data;
  const void* end = (const void*)(long)ctx->data_end;
  struct iphdr* ip = (struct iphdr*)(ethernet + 1);
  struct udphdr* udp = (struct udphdr*)(ip + 1);
  if ((const void*)(udp + 1) > end) return XDP_PASS;
  if (ethernet->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || ip->protocol != 17)
    return XDP_PASS;
  __u8 mac[ETH_ALEN];
  __builtin_memcpy(mac, ethernet->h_dest, ETH_ALEN);
  __builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
  __builtin_memcpy(ethernet->h_source, mac, ETH_ALEN);
  const __be32 address = ip->daddr;
  ip->daddr = ip->saddr;
  ip->saddr = address;
  const __be16 port = udp->dest;
  udp->dest = udp->source;
  udp->source = port;
  return XDP_TX;
}

char program_license[] SEC("license") = "GPL";
