// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
//
// What has to be known of a payload: that it came as it was sent, and what it adds to the sum of the
// datagram that it leaves in. The kernel's sockets check it, too, and a sum that hardware was to
// complete (on the virtual links of containers) is none yet.
#pragma once

#include "turnd/offload/frame.bpf.h"

// The verifier wants to see by itself that an offset lies within a packet.
#define OFFLOAD_AT(ctx, offset) ((const __u8*)(long)(ctx)->data + ((offset) & 0x1fff))
#define OFFLOAD_END(ctx) ((const __u8*)(long)(ctx)->data_end)

// Added here and not by the kernel's helper: each call of one costs as much as fifty bytes do.
#define OFFLOAD_ADD_CHUNK(bytes)                       \
  {                                                    \
    const __u8* chunk = OFFLOAD_AT(ctx, offset);       \
    if (chunk + (bytes) > OFFLOAD_END(ctx)) return -1; \
    so_far += sum_words(chunk, (bytes));               \
    offset += (bytes);                                 \
    left -= (bytes);                                   \
  }

// The sum, or -1 if the bytes don't lie in one piece. The verifier looks at it once, and by itself: its
// many ways would multiply the program's.
__noinline int sum_of_payload(struct xdp_md* ctx, __u32 offset, __u32 bytes) {
  if (bytes > kOffloadMaxUdpBytes) return -1;
  __u32 left = bytes;
  __u64 so_far = 0;
  for (int i = 0; i <= kOffloadMaxUdpBytes / 128 && left >= 128; ++i) OFFLOAD_ADD_CHUNK(128);
  if (left & 64) OFFLOAD_ADD_CHUNK(64);
  if (left & 32) OFFLOAD_ADD_CHUNK(32);
  if (left & 16) OFFLOAD_ADD_CHUNK(16);
  if (left & 8) OFFLOAD_ADD_CHUNK(8);
  if (left & 4) OFFLOAD_ADD_CHUNK(4);
  __u8 last[4] = {};
  left &= 3;
  for (int i = 0; i < 3; ++i) {
    if (left == 0) break;
    const __u8* byte = OFFLOAD_AT(ctx, offset);
    if (byte + 1 > OFFLOAD_END(ctx)) return -1;
    last[i] = *byte;
    ++offset;
    --left;
  }
  __u32 word;
  __builtin_memcpy(&word, last, sizeof word);
  return fold(so_far + word);
}

// RFC 768: 0 says that there is none. RFC 8200 section 8.1 wants one.
static __always_inline int checksum_is_right(struct xdp_md* ctx, const struct frame* frame,
                                             const struct OffloadDirection* direction,
                                             __u32* payload_sum) {
  const int found = sum_of_payload(ctx, frame->payload_offset, frame->payload_bytes);
  if (found < 0) return 0;
  *payload_sum = found;
  if (frame->check == 0) return frame->key.family == 4;
  const __be16 udp_bytes = bpf_htons(frame->payload_bytes + kUdpHeaderBytes);
  return fold((__u64)*payload_sum + direction->key_sum + 2 * (__u32)udp_bytes + frame->check) ==
         0xffff;
}

// It adds nothing to the sum, then.
static __always_inline int padding_is_zero(struct xdp_md* ctx, const struct frame* frame,
                                           __u32 padding) {
  __u32 offset = frame->payload_offset + frame->payload_bytes - padding;
  for (int i = 0; i < kOffloadMaxPadding; ++i) {
    if (padding == 0) break;
    const __u8* byte = OFFLOAD_AT(ctx, offset);
    if (byte + 1 > OFFLOAD_END(ctx) || *byte != 0) return 0;
    ++offset;
    --padding;
  }
  return 1;
}
