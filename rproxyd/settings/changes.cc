#include "rproxyd/settings/changes.h"

#include <array>
#include <string_view>

namespace rproxyd {
namespace {

struct Subject {
  std::string_view name;
  bool (*is_same)(const Settings& a, const Settings& b);
  void (*keep)(Settings& settings, const Settings& in_force);
};

template <auto Member>
constexpr Subject subject(std::string_view name) {
  return {.name = name,
          .is_same = [](const Settings& a, const Settings& b) { return a.*Member == b.*Member; },
          .keep = [](Settings& settings,
                     const Settings& in_force) { settings.*Member = in_force.*Member; }};
}

constexpr std::array kSubjects{
    subject<&Settings::workers>("workers"),
};

} // namespace

std::vector<std::string> subjects_for_a_restart() {
  std::vector<std::string> names;
  names.reserve(kSubjects.size());
  for (const Subject& subject : kSubjects) names.emplace_back(subject.name);
  return names;
}

std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read) {
  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) {
    if (!subject.is_same(in_force, read)) names.emplace_back(subject.name);
  }
  return names;
}

void keep_what_takes_a_restart(Settings& settings, const Settings& in_force) {
  for (const Subject& subject : kSubjects) subject.keep(settings, in_force);
}

} // namespace rproxyd
