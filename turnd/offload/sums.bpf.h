// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
//
// Sums of the Internet's kind (RFC 1071), in the order that the bytes have in memory.
#pragma once

#include <linux/bpf.h>
// They use the types of the one above.
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline __u16 fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

// A number of bytes that is known when this is compiled, a multiple of four.
static __always_inline __u64 sum_words(const void* start, __u32 bytes) {
  __u64 sum = 0;
  const __u32* words = start;
  for (__u32 i = 0; i < bytes / 4; ++i) sum += words[i];
  return sum;
}

static __always_inline __u32 word_of(__be16 first, __be16 second) {
  const __be16 both[2] = {first, second};
  __u32 word;
  __builtin_memcpy(&word, both, sizeof word);
  return word;
}
