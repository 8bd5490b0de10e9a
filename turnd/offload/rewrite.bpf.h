// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
//
// The headers of what leaves, written anew where the payload lies.
//
//      as it came   | Ethernet | IPv4 or IPv6 | UDP | ChannelData, from a client | payload | padding
//      as it leaves          | Ethernet | IPv4 or IPv6 | UDP | ChannelData, for a client | payload
#pragma once

#include "turnd/offload/frame.bpf.h"

struct outgoing {
  const struct OffloadDirection* out;
  __u64 payload_sum;     // of UDP's whole payload
  __u32 payload_bytes;   // without a ChannelData header
  __be16 channel_length; // of the header that is written
  __be16 identification; // of the datagram, where it may be fragmented on its way
};

enum rewritten { kRewritten, kLeftAlone, kBroken };

static __always_inline __u32 udp_bytes_of(const struct outgoing* leaving) {
  return kUdpHeaderBytes + leaving->payload_bytes +
         (leaving->out->channel ? kChannelHeaderBytes : 0);
}

static __always_inline __u32 ip_bytes_of(const struct outgoing* leaving) {
  return ip_header_bytes(leaving->out->family) + udp_bytes_of(leaving);
}

// Neither 0, which says that there is none (RFC 768).
static __always_inline __sum16 checksum_of(const struct outgoing* leaving) {
  const __be16 udp_bytes = bpf_htons(udp_bytes_of(leaving));
  const __u64 sum = leaving->payload_sum + leaving->out->sum + 2 * (__u32)udp_bytes;
  const __u16 check = ~fold(sum);
  return check == 0 ? 0xffff : check;
}

// RFC 8656 section 15: DSCP and ECN as they came, one hop less; no fragments, which were no case for
// this program.
static __always_inline void write_ipv4(struct iphdr* ip, const struct frame* frame,
                                       const struct outgoing* leaving) {
  const struct OffloadDirection* out = leaving->out;
  ip->version = 4;
  ip->ihl = 5;
  ip->tos = frame->traffic_class;
  ip->tot_len = bpf_htons(sizeof *ip + udp_bytes_of(leaving));
  ip->id = out->dont_fragment ? 0 : leaving->identification;
  ip->frag_off = out->dont_fragment ? bpf_htons(kIpv4DontFragment) : 0;
  ip->ttl = frame->hop_limit - 1;
  ip->protocol = kProtocolUdp;
  ip->check = 0;
  __builtin_memcpy(&ip->saddr, out->source, 4);
  __builtin_memcpy(&ip->daddr, out->destination, 4);
  ip->check = ~fold(sum_words(ip, sizeof *ip));
}

static __always_inline void write_ipv6(struct ipv6hdr* ip, const struct frame* frame,
                                       const struct outgoing* leaving) {
  const struct OffloadDirection* out = leaving->out;
  *(__be32*)ip = bpf_htonl(6U << 28 | (__u32)frame->traffic_class << 20);
  ip->payload_len = bpf_htons(udp_bytes_of(leaving));
  ip->nexthdr = kProtocolUdp;
  ip->hop_limit = frame->hop_limit - 1;
  __builtin_memcpy(&ip->saddr, out->source, 16);
  __builtin_memcpy(&ip->daddr, out->destination, 16);
}

static __always_inline int write_udp(struct udphdr* udp, const void* end,
                                     const struct outgoing* leaving) {
  const struct OffloadDirection* out = leaving->out;
  __be16* words = (__be16*)(udp + 1);
  if ((const void*)words > end) return 0;
  udp->source = out->source_port;
  udp->dest = out->destination_port;
  udp->len = bpf_htons(udp_bytes_of(leaving));
  udp->check = checksum_of(leaving);
  if (out->channel) {
    if ((const void*)(words + 2) > end) return 0;
    words[0] = out->channel;
    words[1] = leaving->channel_length;
  }
  return 1;
}

static __always_inline int write_headers(struct xdp_md* ctx, const struct frame* frame,
                                         const struct outgoing* leaving,
                                         const struct OffloadWay* way) {
  void* data = (void*)(long)ctx->data;
  const void* end = (const void*)(long)ctx->data_end;
  struct ethhdr* ethernet = data;
  if ((const void*)(ethernet + 1) > end) return 0;
  __builtin_memcpy(ethernet->h_dest, way->to, kOffloadMacBytes);
  __builtin_memcpy(ethernet->h_source, way->from, kOffloadMacBytes);
  if (leaving->out->family == 4) {
    struct iphdr* ip = (struct iphdr*)(ethernet + 1);
    ethernet->h_proto = bpf_htons(ETH_P_IP);
    if ((const void*)(ip + 1) > end) return 0;
    write_ipv4(ip, frame, leaving);
    return write_udp((struct udphdr*)(ip + 1), end, leaving);
  }
  struct ipv6hdr* ip = (struct ipv6hdr*)(ethernet + 1);
  ethernet->h_proto = bpf_htons(ETH_P_IPV6);
  if ((const void*)(ip + 1) > end) return 0;
  write_ipv6(ip, frame, leaving);
  return write_udp((struct udphdr*)(ip + 1), end, leaving);
}

static __always_inline enum rewritten rewrite(struct xdp_md* ctx, const struct frame* frame,
                                              const struct outgoing* leaving,
                                              const struct OffloadWay* way) {
  const struct OffloadDirection* out = leaving->out;
  const int header = kChannelHeaderBytes;
  const int before = frame->payload_offset + (out->channel ? 0 : header);
  const int after =
      kEthernetBytes + ip_header_bytes(out->family) + kUdpHeaderBytes + (out->channel ? header : 0);
  const int behind = frame->frame_bytes - before - leaving->payload_bytes;
  if (bpf_xdp_adjust_head(ctx, before - after)) return kLeftAlone;
  if (behind > 0 && bpf_xdp_adjust_tail(ctx, -behind)) return kBroken;
  return write_headers(ctx, frame, leaving, way) ? kRewritten : kBroken;
}
