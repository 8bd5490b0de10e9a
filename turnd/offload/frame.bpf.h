// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
//
// A frame as it was received: Ethernet, IP without options or extensions, UDP, all of it whole. Anything
// else is no frame for the program.
#pragma once

#include <linux/bpf.h>
// They use the types of the one above.
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "turnd/offload/layout.h"
#include "turnd/offload/sums.bpf.h"

enum {
  kFamilyIpv4 = 2, // AF_INET and AF_INET6, as the lookup of routes takes them
  kFamilyIpv6 = 10,
  kProtocolUdp = 17,
  kLoopbackIndex = 1,
  kDscpBits = 0xfc,
  kEthernetBytes = 14,
  kUdpHeaderBytes = 8,
  kChannelHeaderBytes = 4,
  kIpv4Fragmented = 0x3fff, // more of them, or not the first
  kIpv4DontFragment = 0x4000,
};

struct frame {
  struct OffloadKey key; // with its channel once one has been found
  __be16 channel;        // the payload's first four bytes, if it has as many
  __be16 channel_length;
  __sum16 check;
  __u16 payload_offset; // UDP's payload, the ChannelData header included
  __u16 payload_bytes;
  __u16 frame_bytes;
  __u8 traffic_class; // DSCP and ECN
  __u8 hop_limit;
};

static __always_inline __u32 ip_header_bytes(__u8 family) {
  return family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

// 0x4000 to 0x7fff: the top two bits tell ChannelData from STUN.
static __always_inline int has_channel(const struct frame* frame) {
  return frame->payload_bytes >= kChannelHeaderBytes &&
         (frame->channel & bpf_htons(0xc000)) == bpf_htons(0x4000);
}

// What the headers say must be what came: the kernel lets some more pass, and turnd gets that from it.
static __always_inline int read_udp(struct frame* frame, const struct udphdr* udp, const void* end,
                                    __u32 offset, __u32 bytes) {
  if ((const void*)(udp + 1) > end) return 0;
  if (bytes < kUdpHeaderBytes || bytes > kOffloadMaxUdpBytes) return 0;
  if (bpf_ntohs(udp->len) != bytes || offset + bytes > frame->frame_bytes) return 0;
  frame->key.source_port = udp->source;
  frame->key.destination_port = udp->dest;
  frame->check = udp->check;
  frame->payload_offset = offset + kUdpHeaderBytes;
  frame->payload_bytes = bytes - kUdpHeaderBytes;
  const __be16* words = (const __be16*)(udp + 1);
  if (frame->payload_bytes >= kChannelHeaderBytes) {
    if ((const void*)(words + 2) > end) return 0;
    frame->channel = words[0];
    frame->channel_length = words[1];
  }
  return 1;
}

static __always_inline int read_ipv4(struct frame* frame, const struct iphdr* ip, const void* end) {
  if ((const void*)(ip + 1) > end) return 0;
  if (ip->version != 4 || ip->ihl != 5 || ip->protocol != kProtocolUdp) return 0;
  if (ip->frag_off & bpf_htons(kIpv4Fragmented)) return 0;
  if (fold(sum_words(ip, sizeof *ip)) != 0xffff) return 0;
  const __u32 total = bpf_ntohs(ip->tot_len);
  if (total < sizeof *ip) return 0;
  frame->key.family = 4;
  frame->traffic_class = ip->tos;
  frame->hop_limit = ip->ttl;
  __builtin_memcpy(frame->key.source, &ip->saddr, 4);
  __builtin_memcpy(frame->key.destination, &ip->daddr, 4);
  return read_udp(frame, (const struct udphdr*)(ip + 1), end, kEthernetBytes + sizeof *ip,
                  total - sizeof *ip);
}

static __always_inline int read_ipv6(struct frame* frame, const struct ipv6hdr* ip,
                                     const void* end) {
  if ((const void*)(ip + 1) > end) return 0;
  if (ip->version != 6 || ip->nexthdr != kProtocolUdp) return 0;
  frame->key.family = 6;
  frame->traffic_class = bpf_ntohl(*(const __be32*)ip) >> 20;
  frame->hop_limit = ip->hop_limit;
  __builtin_memcpy(frame->key.source, &ip->saddr, 16);
  __builtin_memcpy(frame->key.destination, &ip->daddr, 16);
  return read_udp(frame, (const struct udphdr*)(ip + 1), end, kEthernetBytes + sizeof *ip,
                  bpf_ntohs(ip->payload_len));
}

static __always_inline int read_frame(struct xdp_md* ctx, struct frame* frame) {
  const void* data = (const void*)(long)ctx->data;
  const void* end = (const void*)(long)ctx->data_end;
  const struct ethhdr* ethernet = data;
  if ((const void*)(ethernet + 1) > end) return 0;
  const __u64 bytes = bpf_xdp_get_buff_len(ctx);
  if (bytes > 0xffff) return 0;
  frame->frame_bytes = bytes;
  if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
    return read_ipv4(frame, (const struct iphdr*)(ethernet + 1), end);
  }
  if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
    return read_ipv6(frame, (const struct ipv6hdr*)(ethernet + 1), end);
  }
  return 0;
}
