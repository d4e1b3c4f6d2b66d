// A value or an error. Every fallible function of RIK returns one.
#pragma once

#include <rik/base/error.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace rik {

/// Called by `value()` of a result that holds an error: a programmer's mistake, so it throws std::logic_error.
[[noreturn]] void throw_exception_from_error(error const& problem, boost::source_location const& where);

/// boost::system::result with two additions: it may not be ignored, and it can be default-constructed (to an
/// error), which asio::co_spawn needs of what a coroutine returns.
template <class T>
struct [[nodiscard]] result : boost::system::result<T, rik::error> {
    using base = boost::system::result<T, rik::error>;
    using base::base;

    result() : base(rik::error{errc::internal, "no result"}) {}
};

template <class T>
result(T) -> result<T>;

template <>
struct [[nodiscard]] result<void> : boost::system::result<void, rik::error> {
    using base = boost::system::result<void, rik::error>;
    using base::base;

    result() = default;
};

}  // namespace rik
