#include "libcore/sandbox/reach.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace sandbox {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& folder, const fs::path& path) {
  const auto end = std::ranges::mismatch(folder, path);
  return end.in1 == folder.end();
}

bool covers(const std::vector<std::string>& places, const std::string& wanted) {
  return std::ranges::any_of(places,
                             [&](const std::string& place) { return is_below(place, wanted); });
}

} // namespace

std::string place_of(const std::string& path) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(path, ignored).lexically_normal();
  if (is_below("/dev", whole) || is_below("/proc", whole)) return whole;
  for (fs::path folder = whole.parent_path();; folder = folder.parent_path()) {
    if (folder == folder.root_path()) return whole;
    if (fs::is_directory(folder, ignored)) {
      const fs::path real = fs::canonical(folder, ignored);
      return ignored ? folder : real;
    }
  }
}

void Reach::add(std::vector<std::string>& places, const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  for (const std::string& place :
       {place_of(path), error ? place_of(path) : place_of(real.string())}) {
    if (!covers(places, place)) places.push_back(place);
  }
}

void Reach::read_file(const std::string& path) { add(read_, path); }
void Reach::write_file(const std::string& path) {
  std::error_code ignored;
  // The daemons make no folders, and what lies above one is not theirs.
  if (fs::is_directory(fs::absolute(path, ignored).parent_path(), ignored)) add(written_, path);
}
void Reach::read_folder(const std::string& path) { add(read_, path); }

std::vector<std::string> Reach::lacks(const Reach& wanted) const {
  std::vector<std::string> missing;
  for (const std::string& place : wanted.read_) {
    if (!covers(read_, place) && !covers(written_, place)) missing.push_back(place);
  }
  for (const std::string& place : wanted.written_) {
    if (!covers(written_, place)) missing.push_back(place);
  }
  return missing;
}

} // namespace sandbox
