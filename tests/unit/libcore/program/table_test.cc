#include "libcore/program/table.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using program::Style;
using program::Table;
using program::Terminal;

constexpr Terminal kFile{};

Terminal of_width(std::size_t width, bool colour = false) {
  return {.interactive = true, .colour = colour, .width = width, .height = 24};
}

Table sessions() {
  constexpr auto kRight = Table::Side::right;
  Table table({{.title = "ID", .side = Table::Side::left, .shortest = Table::kWhole, .rank = 0},
               {.title = "USER", .side = Table::Side::left, .shortest = 4, .rank = 0},
               {.title = "AGE", .side = kRight, .shortest = Table::kWhole, .rank = 1},
               {.title = "PEERS", .side = kRight, .shortest = Table::kWhole, .rank = 2}});
  table.add({"0-1", "alexandra", "12 s", "3"});
  table.add({"1-20", "bob", "1 h", "11"});
  return table;
}

TEST_CASE("columns are as wide as what stands in them, and no line ends in blanks") {
  CHECK(sessions().text(kFile) ==
        "ID    USER        AGE  PEERS\n"
        "0-1   alexandra  12 s      3\n"
        "1-20  bob         1 h     11\n");
}

TEST_CASE("where there is little room a column is shortened, and says so") {
  CHECK(sessions().text(of_width(25)) ==
        "ID    USER     AGE  PEERS\n"
        "0-1   alexa…  12 s      3\n"
        "1-20  bob      1 h     11\n");
}

TEST_CASE("then columns go, those that matter least first, and those of rank 0 never") {
  CHECK(sessions().text(of_width(20)) ==
        "ID    USER   AGE\n"
        "0-1   ale…  12 s\n"
        "1-20  bob    1 h\n");
  CHECK(sessions().text(of_width(5)) ==
        "ID    USER\n"
        "0-1   ale…\n"
        "1-20  bob\n");
}

TEST_CASE("no line is longer than the terminal is wide") {
  for (std::size_t width = 10; width < 40; ++width) {
    const std::string text = sessions().text(of_width(width));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      CHECK(program::width_of(std::string_view(text).substr(begin, end - begin)) <= width);
    }
  }
}

TEST_CASE("a character of several bytes is one column, and is not cut in two") {
  CHECK(program::width_of("Zoë") == 3);
  CHECK(program::shortened("Zoë Müller", 5) == "Zoë …");
  CHECK(program::shortened("Zoë", 3) == "Zoë");
  CHECK(program::shortened("Zoë", 0).empty());
  CHECK(program::width_of("\xff\xfe") == 2); // not UTF-8
}

TEST_CASE("colours stand around texts in a terminal that has them, and nowhere else") {
  Table table({Table::Column{.title = "STATE"}, Table::Column{.title = "N"}});
  table.add({{"down", Style::bad}, "1"});
  CHECK(table.text(of_width(80)) == "STATE  N\ndown   1\n");
  CHECK(table.text(of_width(80, true)) ==
        "\x1b[1mSTATE\x1b[0m  \x1b[1mN\x1b[0m\n\x1b[31mdown\x1b[0m   1\n");
}

} // namespace
