// What is wrong with a configuration file: where it stands, what was found there, and what would
// have been right. A reader collects all of them, so that one `check` shows everything.
#pragma once

#include <string>
#include <vector>

namespace config {

enum class Severity { error, warning };

struct Place {
  std::string file;
  unsigned line = 0;   // from 1; 0: the file as a whole
  unsigned column = 0; // from 1, in bytes
  std::string pointer; // JSON pointer (RFC 6901); empty: the whole document
};

struct Problem {
  Severity severity = Severity::error;
  Place place;
  std::string found; // "\"198.51.100.130:99999\" is not a socket address"; never a secret's value
  std::string expected; // "\"IP:PORT\", such as \"198.51.100.130:3478\""; may be empty
};

using Problems = std::vector<Problem>;

// One line: "/etc/vestibule/turnd.json:12: /listeners/0/address: FOUND; expected EXPECTED". Control
// characters are escaped.
std::string to_string(const Problem& problem);

bool has_error(const Problems& problems);

// What `check` prints: one problem a line, errors before warnings, each group in the order of the
// file, and a closing line with the verdict. Ends with a newline.
std::string report(const std::string& file, const Problems& problems);

// What a loader gives for a file that can be used.
template <typename Settings>
struct Loaded {
  Settings settings;
  Problems warnings;
};

} // namespace config
