#include "libcore/program/table.h"

#include <algorithm>

namespace program {
namespace {

std::size_t sum_of(const std::vector<std::size_t>& widths, std::size_t gap) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) {
    if (width != 0) sum += width + gap;
  }
  return sum == 0 ? 0 : sum - gap;
}

} // namespace

std::string Table::text(const Terminal& terminal) const {
  const auto wide = widths(terminal.width);
  std::vector<Cell> titles;
  titles.reserve(columns_.size());
  for (const Column& column : columns_) titles.emplace_back(column.title, Style::strong);
  std::string out;
  append(out, titles, wide, terminal);
  for (const auto& row : rows_) append(out, row, wide, terminal);
  return out;
}

std::vector<std::size_t> Table::widths(std::size_t room) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = std::max<std::size_t>(width_of(columns_[i].title), 1);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i].text));
    widths.push_back(width);
  }
  if (room == 0) return widths;

  // First the widest of those that may be shortened.
  while (sum_of(widths, kGap) > room) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] <= columns_[i].shortest) continue;
      if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
  }
  // Then whole columns, those that matter least.
  while (sum_of(widths, kGap) > room) {
    std::size_t last = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0 || columns_[i].rank == 0) continue;
      if (last == columns_.size() || columns_[i].rank > columns_[last].rank) last = i;
    }
    if (last == columns_.size()) break;
    widths[last] = 0;
  }
  return widths;
}

void Table::append(std::string& out, const std::vector<Cell>& row,
                   const std::vector<std::size_t>& widths, const Terminal& terminal) const {
  std::string line;
  std::size_t owed = 0; // blanks, which nobody needs at the end of a line
  bool first = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (widths[i] == 0) continue;
    if (!first) owed += kGap;
    first = false;
    const std::string text = shortened(row[i].text, widths[i]);
    const std::size_t blanks = widths[i] - width_of(text);
    if (columns_[i].side == Side::right) owed += blanks;
    if (!text.empty()) {
      line.append(owed, ' ').append(styled(text, row[i].style, terminal));
      owed = 0;
    }
    if (columns_[i].side == Side::left) owed += blanks;
  }
  out.append(line).append("\n");
}

} // namespace program
