// What turnd and its program in the kernel tell each other: keys and values of the maps. Plain C, for
// both. Addresses and ports are in network byte order; an IPv4 address is the first four bytes, the
// rest is zero.
#pragma once

#include <linux/types.h>

enum {
  kOffloadAddressBytes = 16,
  kOffloadMacBytes = 6,
};

// A packet as it arrives: from a client as ChannelData, or from a peer at a relayed transport address.
struct OffloadKey {
  __u8 source[kOffloadAddressBytes];
  __u8 destination[kOffloadAddressBytes];
  __be16 source_port;
  __be16 destination_port;
  __be16 channel; // 0: what comes from a peer
  __u8 family;    // 4 or 6
  __u8 zero;
};

// As it leaves.
struct OffloadDirection {
  __u8 source[kOffloadAddressBytes];
  __u8 destination[kOffloadAddressBytes];
  __be16 source_port;
  __be16 destination_port;
  __be16 channel; // whose header is written before the payload; 0: the client's is taken away
  __u8 family;
  __u8 dont_fragment; // IPv4's DF
  __u16 key_sum; // what the addresses and ports that it arrives with add to a checksum (RFC 1071),
  __u16 sum;     // and those that it leaves with
  __u32 record;
};

// Where the kernel's routes and neighbours lead a direction's packets. Processors may write it at the same
// time: they have found the same, or one of them what will have changed a moment later.
struct OffloadWay {
  __u64 until; // it is asked for anew; nanoseconds of CLOCK_MONOTONIC
  __u8 to[kOffloadMacBytes];
  __u16 mtu;
  __u8 from[kOffloadMacBytes];
  __u8 dscp; // of the packet that it was found for: it may decide
  __u8 zero;
  __u32 leaves_by;
  __u32 unused;
};

// One direction's, in memory that turnd has mapped: what changes while packets pass. A line of its own,
// since the two directions of a binding may pass on different processors.
struct OffloadRecord {
  __u64 expires; // nanoseconds of CLOCK_MONOTONIC; 0: it is over
  __u64 packets;
  __u64 bytes;         // of the payloads
  __u64 next_ordinary; // the first packet from then on takes the ordinary way
  struct OffloadWay way;
};

// What a program is told of its own interface when it is loaded.
struct OffloadOwn {
  __u8 mac[kOffloadMacBytes];
  __u8
      sends_back; // by XDP_TX: veth wants a program on its other end for that, and no more than NAPI for a
                  // redirection
  __u8 zero;
};

// Why packets of a binding took the ordinary way.
enum OffloadPass {
  kOffloadPassOrdinaryTurn,   // one of them does now and then: see kOffloadOrdinaryInterval
  kOffloadPassExpired,        // it is over
  kOffloadPassHopLimit,       // it has come far enough
  kOffloadPassChecksum,       // wrong, or left to hardware that this packet has not passed
  kOffloadPassNoRoute,        // or a kind of route that the kernel's lookup leaves to others
  kOffloadPassNoNeighbour,    // whose link-layer address isn't known just now
  kOffloadPassTooLong,        // for the way that it would leave by
  kOffloadPassOtherInterface, // leaves by one that isn't served
  kOffloadPassNoHeadroom,
  kOffloadPasses,
};

enum {
  // Both forms of a frame with a channel's number, and padding up to a multiple of four.
  kOffloadMaxPadding = 3,
  // What is longer takes the ordinary way: it would not lie in one piece in most drivers anyway.
  kOffloadMaxUdpBytes = 4095,
};

// The kernel's stack keeps a neighbour's link-layer address true only while it is used by its own
// packets, so now and then one of a direction goes through it.
#define OFFLOAD_ORDINARY_INTERVAL_NS 10000000000ULL

// For so long a direction's packets go the way that one of them has found.
#define OFFLOAD_WAY_INTERVAL_NS 200000000ULL
