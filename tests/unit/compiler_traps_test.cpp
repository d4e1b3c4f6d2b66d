// What g++ 12 does to temporaries in an expression with co_await. The forms that CONTRIBUTING.md allows must be right
// on every compiler that builds RIK; those that it bans are only measured, so that the ban can go when they are.
#include "support/catch.hpp"
#include "support/run.hpp"

#include <rik/base/result.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>
#include <string>
#include <utility>

namespace {

using rik::awaitable;
using rik::error;
using rik::result;
using rik::testing::run;
namespace asio = boost::asio;

/// Counts its constructions and destructions. It owns nothing, so destroying it twice does no harm here.
class counted {
public:
    counted() { ++constructed; }
    counted(counted const&) { ++constructed; }
    counted(counted&&) noexcept { ++constructed; }
    counted& operator=(counted const&) = default;
    counted& operator=(counted&&) = default;
    ~counted() { ++destroyed; }

    static inline int constructed = 0;
    static inline int destroyed = 0;
};

struct aggregate {
    counted member;
    int number = 0;
};

class with_constructor {
public:
    explicit with_constructor(counted member) : member_(std::move(member)) {}

private:
    counted member_;
};

struct options {
    counted member = {};
};

aggregate make_aggregate() { return aggregate{}; }

awaitable<> suspend() {
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

awaitable<int> take(aggregate given) {
    co_await suspend();
    co_return given.number;
}

awaitable<int> take_constructed(with_constructor) {
    co_await suspend();
    co_return 1;
}

awaitable<int> take_optional(int number, std::optional<counted>) {
    co_await suspend();
    co_return number;
}

awaitable<int> take_default(int number, options = {}) {
    co_await suspend();
    co_return number;
}

template <class Function>
awaitable<int> take_function(Function function) {
    co_await suspend();
    function();
    co_return 1;
}

awaitable<counted> give() {
    co_await suspend();
    co_return counted();
}

/// How many more objects were destroyed than constructed while `work` ran: 0 when the compiler is right.
int imbalance(awaitable<> (*work)()) {
    counted::constructed = counted::destroyed = 0;
    run(work());
    REQUIRE(counted::constructed > 0);
    return counted::destroyed - counted::constructed;
}

// What CONTRIBUTING.md allows.

awaitable<> named_and_moved() {
    aggregate named{.member = {}, .number = 1};
    co_await take(std::move(named));
}

awaitable<> result_of_a_function() { co_await take(make_aggregate()); }

awaitable<> class_with_a_constructor() { co_await take_constructed(with_constructor(counted())); }

awaitable<> optional_by_conversion() { co_await take_optional(1, std::nullopt); }

awaitable<> awaitable_in_a_local() {
    auto working = take({counted(), 1});
    co_await std::move(working);
}

awaitable<> named_lambda_moved() {
    auto function = [member = counted()] { (void)member; };
    co_await take_function(std::move(function));
}

awaitable<> result_then_aggregate() {
    auto member = co_await give();
    aggregate built{.member = std::move(member), .number = 1};
    co_await take(std::move(built));
}

// What it bans.

awaitable<> braces() { co_await take({counted(), 1}); }

awaitable<> designated_braces() { co_await take(aggregate{.member = {}, .number = 1}); }

awaitable<> capturing_lambda() {
    counted outer;
    co_await take_function([outer] { (void)outer; });
}

awaitable<> awaited_in_braces() {
    aggregate built{co_await give(), 1};
    (void)built;
}

awaitable<> default_of_aggregate() { co_await take_default(1); }

awaitable<result<int>> fails(std::string object) {
    co_await suspend();
    co_return error{rik::errc::conflict, object + ": changed meanwhile", "metadata.name", "read it again"};
}

}  // namespace

TEST_CASE("the allowed forms of co_await destroy each object once", "[compiler]") {
    CHECK(imbalance(named_and_moved) == 0);
    CHECK(imbalance(result_of_a_function) == 0);
    CHECK(imbalance(class_with_a_constructor) == 0);
    CHECK(imbalance(awaitable_in_a_local) == 0);
    CHECK(imbalance(named_lambda_moved) == 0);
    CHECK(imbalance(result_then_aggregate) == 0);
    run(optional_by_conversion());
}

TEST_CASE("a coroutine returns an error built with braces", "[compiler]") {
    auto const long_name = std::string(100, 'n');  // on the heap, so that ASan sees a double free
    auto const failed = run(fails(long_name));
    REQUIRE(failed.has_error());
    CHECK(failed.error().message == long_name + ": changed meanwhile");
    CHECK(failed.error().remedy == "read it again");
}

TEST_CASE("the banned forms of co_await are measured", "[compiler]") {
    struct form {
        char const* name;
        awaitable<> (*work)();
    };
    for (form const each : {form{"f({..})", braces}, form{"f(aggregate{..})", designated_braces},
                            form{"f([x] {..})", capturing_lambda}, form{"aggregate{co_await g()}", awaited_in_braces},
                            form{"a default argument of an aggregate type", default_of_aggregate}}) {
        auto const surplus = imbalance(each.work);
        WARN(each.name << (surplus == 0 ? ": right on this compiler" : ": miscompiled, surplus destructions: ")
                       << surplus);
    }
}
