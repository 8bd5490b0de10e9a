#include "libcore/sandbox/account.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace sandbox {
namespace {

constexpr std::size_t kEntryBytes = std::size_t{64} * 1024;

std::string reason(int error) { return std::generic_category().message(error); }

std::unexpected<core::Error> failed(const Account& account, std::string_view step) {
  return core::failure(
      fmt::format("this process can't become user {}: {}: {}", account.name, step, reason(errno)));
}

} // namespace

core::Result<Account> find_account(const std::string& user,
                                   const std::optional<std::string>& group) {
  std::vector<char> buffer(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
      error != 0)
    return core::failure(fmt::format("user {} can't be looked up: {}", user, reason(error)));
  if (found == nullptr) return core::failure(fmt::format("there is no user {}", user));
  Account account{.name = user, .user = entry.pw_uid, .group = entry.pw_gid};
  if (!group) return account;

  ::group line{};
  ::group* found_group = nullptr;
  if (const int error =
          ::getgrnam_r(group->c_str(), &line, buffer.data(), buffer.size(), &found_group);
      error != 0)
    return core::failure(fmt::format("group {} can't be looked up: {}", *group, reason(error)));
  if (found_group == nullptr) return core::failure(fmt::format("there is no group {}", *group));
  account.group = line.gr_gid;
  return account;
}

core::Result<void> become(const Account& account, Capabilities kept) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed(account, "PR_SET_KEEPCAPS");
  if (::initgroups(account.name.c_str(), account.group) != 0) return failed(account, "initgroups");
  if (::setresgid(account.group, account.group, account.group) != 0)
    return failed(account, "setresgid");
  forget_bounds(kept); // takes CAP_SETPCAP, which the next step gives up
  if (::setresuid(account.user, account.user, account.user) != 0)
    return failed(account, "setresuid");
  if (!keep_only(kept)) return failed(account, "capset");
  return {};
}

bool is_root() { return ::geteuid() == 0; }

std::string own_name() {
  std::vector<char> buffer(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    return entry.pw_name;
  return std::to_string(::geteuid());
}

} // namespace sandbox
