// A string that must not outlive its use in memory: wiped when destroyed or replaced, never
// printed. Used for passwords, shared secrets and private keys in PEM form.
#pragma once

#include <string.h>

#include <string>
#include <string_view>
#include <utility>

namespace core {

class Secret {
 public:
  Secret() = default;
  // Copied and wiped, not moved: a short one would be left behind inside of the string.
  explicit Secret(std::string text) : text_(text) { explicit_bzero(text.data(), text.size()); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(other.text_) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      text_ = other.text_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = other.text_;
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  // Borrowed until the secret is changed or destroyed.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe() {
    explicit_bzero(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

} // namespace core
