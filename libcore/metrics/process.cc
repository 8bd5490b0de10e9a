#include "libcore/metrics/process.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace metrics {
namespace {

std::uint64_t resident_bytes() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                             &std::fclose);
  unsigned long total = 0;
  unsigned long resident = 0;
  if (!file || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
  return std::uint64_t{resident} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (!folder) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1; // the folder's own
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

} // namespace

ProcessFigures read_process_figures() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {.cpu_seconds = cpu_seconds(),
          .resident_bytes = resident_bytes(),
          .open_descriptors = open_descriptors(),
          .descriptor_limit = limit.rlim_cur};
}

void add_process(Families& families, std::string_view prefix, const ProcessFigures& figures,
                 core::WallTime started) {
  families
      .gauge(fmt::format("{}_build_info", prefix), "Always 1; its label says which version runs.")
      .add(1, {{"version", VESTIBULE_VERSION}});
  families.counter("process_cpu_seconds_total", "Processor time used, of user and system.")
      .add(figures.cpu_seconds);
  families.gauge("process_resident_memory_bytes", "Memory that is resident.")
      .add(figures.resident_bytes);
  families.gauge("process_open_fds", "Descriptors that are open.").add(figures.open_descriptors);
  families.gauge("process_max_fds", "Descriptors that may be open at once.")
      .add(figures.descriptor_limit);
  families.gauge("process_start_time_seconds", "When the process began to serve, in Unix time.")
      .add(started.time_since_epoch().count());
}

} // namespace metrics
