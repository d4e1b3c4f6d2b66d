// An optional value that is seldom there.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace rik {

/// Like std::optional, but it takes only the room of a pointer while there is no value. Copies are deep.
template <class Value>
class rare {
public:
    rare() = default;
    rare(std::nullopt_t) {}
    rare(Value value) : value_(std::make_unique<Value>(std::move(value))) {}
    rare(rare const& other) : value_(other ? std::make_unique<Value>(*other) : nullptr) {}
    rare(rare&&) noexcept = default;
    ~rare() = default;
    rare& operator=(rare const& other) { return *this = rare(other); }
    rare& operator=(rare&&) noexcept = default;

    explicit operator bool() const { return value_ != nullptr; }
    bool has_value() const { return value_ != nullptr; }
    /// Precondition of these: there is a value.
    Value& operator*() { return *value_; }
    Value const& operator*() const { return *value_; }
    Value* operator->() { return value_.get(); }
    Value const* operator->() const { return value_.get(); }

    Value& emplace() { return *(value_ = std::make_unique<Value>()); }
    void reset() { value_.reset(); }

    friend bool operator==(rare const& a, rare const& b) { return a && b ? *a == *b : a.has_value() == b.has_value(); }

private:
    std::unique_ptr<Value> value_;
};

}  // namespace rik
