#include "turnd/user_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "libcore/program/command_line.h"
#include "libcore/stun/opaque_string.h"
#include "turnd/settings/read_credentials.h"
#include "turnd/typed_password.h"
#include "turnd/users_file_edit.h"

namespace turnd {
namespace {

constexpr std::string_view kMd5Alone = " (MD5 key alone: add the password once more for SHA-256)";

int refused(const core::Error& error) {
  fmt::print(stderr, "turnd: {}\n", error.text);
  return program::kRefused;
}

// As it stands in the file; says so when it can't stand there.
std::optional<std::string> checked(std::string_view what, const std::string& given,
                                   std::size_t most) {
  auto prepared = stun::prepared(given);
  if (prepared && prepared->size() <= most) return prepared;
  fmt::print(stderr, "turnd: {}: expected 1 to {} bytes of text without control characters\n", what,
             most);
  return std::nullopt;
}

} // namespace

UserCommand::UserCommand(CLI::App& app)
    : user_(app.add_subcommand("user", "add, remove or list the users of a users file")) {
  user_->require_subcommand(0, 1);
  user_->add_option("--realm", realm_, "the realm that the users log in to")->type_name("REALM");
  user_->add_option("--file", file_, "the users file")->required()->type_name("FILE");
  add_ = user_->add_subcommand(
      "add", "add a user, or change the password of one; reads the password from standard input");
  remove_ = user_->add_subcommand("remove", "remove a user");
  CLI::App* list =
      user_->add_subcommand("list", "name the users (also when nothing else is asked)");
  for (CLI::App* each : {add_, remove_}) {
    each->add_option("name", name_, "the user's name")->required()->type_name("NAME");
  }
  for (CLI::App* each : {add_, remove_, list}) each->fallthrough();
}

int UserCommand::run() const {
  if (add_->parsed()) return add();
  if (remove_->parsed()) return remove();
  return list();
}

int UserCommand::add() const {
  if (realm_.empty()) {
    fmt::print(stderr,
               "turnd: user add: --realm REALM is needed, since a key is of use in one alone\n");
    return program::kUsage;
  }
  const auto realm = checked("--realm", realm_, kMaxRealmBytes);
  const auto name = checked("the name", name_, kMaxUserBytes);
  if (!realm || !name) return program::kUsage;

  const auto password = read_password();
  if (!password) return refused({fmt::format("the password {}", password.error().text)});
  auto keys = stun::user_keys(*name, *realm, password->reveal());
  if (!keys) return refused({"the password holds a character that no client can send"});

  bool was_there = false;
  const auto edited = edit_users_file(file_, *realm, [&](UsersFile& file) -> core::Result<void> {
    if (file.users.size() >= kMaxUsersInFile && !file.users.contains(*name)) {
      return core::failure(fmt::format("{}: has {} users already", file_, kMaxUsersInFile));
    }
    was_there = !file.users.insert_or_assign(*name, *keys).second;
    return {};
  });
  if (!edited) return refused(edited.error());
  fmt::print("{} {}\n", was_there ? "changed" : "added", *name);
  return 0;
}

int UserCommand::remove() const {
  const auto name = checked("the name", name_, kMaxUserBytes);
  if (!name) return program::kUsage;
  const auto edited = edit_users_file(file_, realm_, [&](UsersFile& file) -> core::Result<void> {
    if (file.users.erase(*name) != 0) return {};
    return core::failure(fmt::format("{}: has no user \"{}\"", file_, *name));
  });
  if (!edited) return refused(edited.error());
  fmt::print("removed {}\n", *name);
  return 0;
}

int UserCommand::list() const {
  const auto file = load_users_file(file_, realm_);
  if (!file) return refused(file.error());
  for (const auto& [name, keys] : file->users)
    fmt::print("{}{}\n", name, keys.sha256 ? "" : kMd5Alone);
  return 0;
}

} // namespace turnd
