// Runs a fuzz target over files and folders of inputs, once each: what libFuzzer does with -runs=0,
// for compilers that have no libFuzzer. Fails when it was given nothing to run.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> inputs_under(const std::filesystem::path& place) {
  if (!std::filesystem::is_directory(place)) return {place};
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

bool replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  // A copy of exactly that size: the sanitizer sees the first byte read past it.
  const auto copy = std::make_unique_for_overwrite<std::uint8_t[]>(content.size());
  std::ranges::copy(content, copy.get());
  std::fprintf(stderr, "%s\n", path.c_str()); // the last one named is the one that broke it
  LLVMFuzzerTestOneInput(copy.get(), content.size());
  return true;
}

} // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : inputs_under(argv[i])) {
      if (!replay(path)) return 1;
      ++count;
    }
  }
  std::printf("replayed %zu inputs\n", count);
  return count == 0 ? 1 : 0;
}
