#include "libcore/config/secrets.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/unit/libcore/config/reading_a_text.h"

namespace {

struct SecretsOfAText : ReadingAText {
  explicit SecretsOfAText(std::string_view text) : ReadingAText(text) {}

  bool read_one() {
    config::ObjectReader object(root());
    const bool read = config::read_secret(object, "password", "password_file", one);
    object.finish();
    return read;
  }
  bool read_several() {
    config::ObjectReader object(root());
    std::vector<core::Secret> secrets;
    const bool read = config::read_secrets(object, "secrets", "secrets_file", secrets);
    object.finish();
    for (const auto& secret : secrets) several.emplace_back(secret.reveal());
    return read;
  }

  core::Secret one;
  std::vector<std::string> several;
};

} // namespace

TEST_CASE("a secret stands in the file itself, or comes from a variable") {
  SecretsOfAText literal(R"({"password": "hunter2"})");
  CHECK(literal.read_one());
  CHECK(literal.one.reveal() == "hunter2");

  SecretsOfAText variable(R"({"password": "${PW}"})");
  variable.surroundings.variables["PW"] = "hunter2";
  CHECK(variable.read_one());
  CHECK(variable.one.reveal() == "hunter2");
}

TEST_CASE("a secret's file gives it without its last newline, and that alone") {
  for (const std::string end : {"", "\n", "\r\n"}) {
    SecretsOfAText text(R"({"password": null, "password_file": "/run/pw"})");
    text.surroundings.files["/run/pw"] = {" hunter2 " + end, false};
    CHECK(text.read_one());
    CHECK(text.one.reveal() == " hunter2 ");
  }
  SecretsOfAText text(R"({"password_file": "pw"})"); // beside the configuration file
  text.surroundings.files["/etc/vestibule/pw"] = {"hunter2\n\n", false};
  CHECK(text.read_one());
  CHECK(text.one.reveal() == "hunter2\n");
}

TEST_CASE("a secret and its file together are a problem") {
  SecretsOfAText text("{\"password\": \"hunter2\",\n\"password_file\": \"/run/pw\"}");
  CHECK_FALSE(text.read_one());
  CHECK(text.lines() == Lines{"/etc/vestibule/t.json:2: /password_file: \"password\" is given too; "
                              "expected one of the two"});
}

TEST_CASE("neither of the two is no problem of the reader") {
  SecretsOfAText text(R"({"password_file": null})");
  CHECK_FALSE(text.read_one());
  CHECK(text.lines() == Lines{});
}

TEST_CASE("a secret's file that everybody may read is refused") {
  SecretsOfAText text(R"({"password_file": "/run/pw"})");
  text.surroundings.files["/run/pw"] = {"hunter2", true};
  CHECK_FALSE(text.read_one());
  CHECK(
      text.lines() ==
      Lines{"/etc/vestibule/t.json:1: /password_file: \"/run/pw\" can be read by everybody on this "
            "machine; expected a file that only its owner and group may read (chmod o-r)"});
}

TEST_CASE("a secret in a configuration file that everybody may read is warned of, once") {
  SecretsOfAText text(R"({"secrets": ["${A}", "hunter2", "hunter3"]})");
  text.surroundings.variables["A"] = "from outside";
  text.reading.world_readable = true;
  CHECK(text.read_several());
  CHECK(
      text.lines() ==
      Lines{"warning: /etc/vestibule/t.json:1: /secrets/1: a secret, in a file that everybody on "
            "this machine may read; expected a file that only its owner and group may read (chmod "
            "o-r)"});
}

TEST_CASE("a secret's file that can't be read, or is empty, is a problem") {
  SecretsOfAText missing(R"({"password_file": "/run/pw"})");
  CHECK_FALSE(missing.read_one());
  CHECK(missing.lines() == Lines{"/etc/vestibule/t.json:1: /password_file: \"/run/pw\" cannot be "
                                 "read: No such file or directory"});
  SecretsOfAText empty(R"({"password_file": "/run/pw"})");
  empty.surroundings.files["/run/pw"] = {"\n", false};
  CHECK_FALSE(empty.read_one());
  CHECK(empty.lines() ==
        Lines{"/etc/vestibule/t.json:1: /password_file: the file is empty; expected a secret"});
}

TEST_CASE("no problem shows anything of a secret, whatever is wrong with it") {
  for (const std::string json :
       {R"({"password": "hunter2${"})", R"({"password": 4242})", R"({"password": ["hunter2"]})",
        R"({"password": {"hunter": 2}})", R"({"password": "hunter2${UNSET}"})",
        R"({"password": "hunter2", "password_file": "/x"})"}) {
    SecretsOfAText text(json);
    CHECK_FALSE(text.read_one());
    REQUIRE(text.lines().size() == 1);
    CHECK_FALSE(text.lines()[0].contains("hunter"));
    CHECK_FALSE(text.lines()[0].contains("4242"));
  }
  SecretsOfAText list(R"({"secrets": "hunter2"})");
  CHECK_FALSE(list.read_several());
  CHECK(list.lines() ==
        Lines{"/etc/vestibule/t.json:1: /secrets: a string is not a list; expected [ … ]"});
}

TEST_CASE("a secret is accepted to the limit of its length, and refused one past it") {
  const std::string longest(config::kMaxSecretBytes, 'x');
  SecretsOfAText at_limit(R"({"password": ")" + longest + R"("})");
  CHECK(at_limit.read_one());
  SecretsOfAText past_it(R"({"password": "x)" + longest + R"("})");
  CHECK_FALSE(past_it.read_one());
  CHECK(past_it.lines() ==
        Lines{"/etc/vestibule/t.json:1: /password: the secret is 4097 bytes long; "
              "expected at most 4096"});
}

TEST_CASE("several secrets stand in a list, or one a line in a file") {
  SecretsOfAText list(R"({"secrets": ["new", "old"], "secrets_file": null})");
  CHECK(list.read_several());
  CHECK(list.several == Lines{"new", "old"});

  SecretsOfAText file(R"({"secrets": [], "secrets_file": "/run/s"})");
  file.surroundings.files["/run/s"] = {"new\r\n\nold\n last", false};
  CHECK(file.read_several());
  CHECK(file.several == Lines{"new", "old", " last"});
}

TEST_CASE("in a file of secrets, the line of one that is wrong is named") {
  SecretsOfAText text(R"({"secrets_file": "/run/s"})");
  text.surroundings.files["/run/s"] = {std::string("good\n\nbad\0bad\n", 14), false};
  CHECK_FALSE(text.read_several());
  CHECK(text.lines() ==
        Lines{"/etc/vestibule/t.json:1: /secrets_file: line 3 of the file holds a NUL "
              "character; expected text"});
}

TEST_CASE("a file of secrets holds at least one, and not more than a list may") {
  SecretsOfAText none(R"({"secrets_file": "/run/s"})");
  none.surroundings.files["/run/s"] = {"\n\n", false};
  CHECK_FALSE(none.read_several());
  CHECK(none.lines() == Lines{"/etc/vestibule/t.json:1: /secrets_file: the file holds no secret; "
                              "expected one a line"});

  std::string lines;
  for (int i = 0; i < 1024; ++i) lines += "x\n";
  SecretsOfAText most(R"({"secrets_file": "/run/s"})");
  most.surroundings.files["/run/s"] = {lines, false};
  CHECK(most.read_several());
  SecretsOfAText too_many(R"({"secrets_file": "/run/s"})");
  too_many.surroundings.files["/run/s"] = {lines + "x", false};
  CHECK_FALSE(too_many.read_several());
  CHECK(too_many.lines() == Lines{"/etc/vestibule/t.json:1: /secrets_file: the file holds 1025 "
                                  "secrets; expected at most 1024"});
}

TEST_CASE("secrets of a variable's list are no secrets of the file") {
  SecretsOfAText text(R"({"secrets": "${A}"})");
  text.reading.world_readable = true;
  text.surroundings.variables["A"] = "hunter2, hunter3";
  CHECK(text.read_several());
  CHECK(text.several.size() == 2);
  CHECK(text.lines() == Lines{});
}
