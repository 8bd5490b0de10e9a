// What the facts mean: what is wrong, what to do about it, and for each kind of client what it would do,
// in order, and where it would end.
//
//   desktop app   _pexapp._tcp of the domain: every record, by priority; without success it gives up
//                 (unless a server address is configured in it, whose domain it asks next)
//   mobile app    only the first record that happens to be returned; else the domain itself, port 443
//   browser       the host that the person types: one of the records' hosts, or the domain
#pragma once

#include <string>
#include <vector>

#include "rproxyd/doctor/facts.h"

namespace rproxyd::doctor {

struct Finding {
  bool is_problem = false; // else worth knowing
  std::string text;
  std::string advice; // what to do about it
};

struct ClientStory {
  std::string client;
  std::vector<std::string> steps;
  bool reaches = false;
  std::string outcome;
};

struct Diagnosis {
  std::vector<Finding> findings;
  std::vector<ClientStory> clients;

  bool healthy() const;
};

Diagnosis diagnose(const Facts& facts);

// The first thing that keeps a client from being served there; nothing when it would be.
std::vector<Finding> trouble_at(const HostFacts& host);

} // namespace rproxyd::doctor
