// What tests/bench/offload's programs in the kernel and the process that loads them tell each other.
#pragma once

#include <linux/types.h>

enum {
  kWireHeadBytes = 64, // of a frame: what is written anew each time it is sent
  kWireMostFrames = 1024,
  kWireBuckets = 1024,
  kWireParts = 16, // of each power of two
};

struct WireHead {
  __u8 bytes[kWireHeadBytes];
};

struct WireOwn {
  __u32 frames;
  __u32
      stamp_at; // two words in the payload: when it was sent, and all of its bits turned, so that sums stay
  __u32 leaves_by;
  __u32 burst;    // frames that are sent together
  __u64 interval; // nanoseconds from one burst to the next; 0: none between them
};

struct WireSent {
  __u64 next_frame;
  __u64 of_burst;
  __u64 due;
};

struct WireSeen {
  __u64 packets;
  __u64 buckets[kWireBuckets]; // of their latencies
};
