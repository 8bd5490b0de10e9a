// A table for people: columns as wide as what stands in them. In a terminal that is too narrow some are
// shortened, then those that matter less are left out; a file gets all of it.
//
//   program::Table table({{.title = "ID"}, {.title = "USER", .shortest = 8}, {.title = "AGE", .rank = 1}});
//   table.add({"0-1", "alice", "12 s"});
//   std::fputs(table.text(program::Terminal::of_output()).c_str(), stdout);
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libcore/program/terminal.h"

namespace program {

class Table {
 public:
  enum class Side : unsigned char { left, right };
  static constexpr std::size_t kWhole = static_cast<std::size_t>(-1);

  struct Column {
    std::string title;
    Side side = Side::left;
    std::size_t shortest = kWhole; // it may be shortened to so many columns of the terminal
    unsigned rank = 0;             // the highest goes first where there is no room; 0 never goes
  };
  struct Cell {
    std::string text; // printable: what came from outside is escaped
    Style style = Style::plain;
    Cell(std::string words) : text(std::move(words)) {} // NOLINT: a text is a cell
    Cell(const char* words) : text(words) {}            // NOLINT: likewise
    Cell(std::string words, Style looks) : text(std::move(words)), style(looks) {}
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); } // as many as columns
  bool empty() const { return rows_.empty(); }

  // With titles, a line a row.
  std::string text(const Terminal& terminal) const;

 private:
  static constexpr std::size_t kGap = 2;

  // Of each column; 0: left out.
  std::vector<std::size_t> widths(std::size_t room) const;
  void append(std::string& out, const std::vector<Cell>& row,
              const std::vector<std::size_t>& widths, const Terminal& terminal) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

} // namespace program
