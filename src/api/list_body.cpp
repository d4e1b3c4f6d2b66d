#include "list_body.hpp"

#include <memory>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t piece_bytes_min = 64u << 10;  ///< with the item that fills it

class list_body final : public body_source {
public:
    list_body(std::string begin, object_source items, std::string end)
        : piece_(std::move(begin)), items_(std::move(items)), end_(std::move(end)) {}

    bool has_ended() const { return has_ended_; }

    result<std::string> make_piece() {
        while (!has_ended_ && piece_.size() < piece_bytes_min) {
            auto item = items_();
            if (!item) return item.error();
            has_ended_ = !item->has_value();
            if (!has_ended_ && std::exchange(has_objects_, true)) piece_ += ',';
            piece_ += has_ended_ ? end_ : **item;
        }
        return std::exchange(piece_, {});
    }

    awaitable<result<std::string>> next() override {
        if (first_) co_return *std::exchange(first_, std::nullopt);
        co_return make_piece();
    }

    void put_back(std::string first) { first_ = std::move(first); }

private:
    std::string piece_;
    object_source items_;
    std::string end_;
    bool has_objects_ = false;
    bool has_ended_ = false;
    std::optional<std::string> first_ = {};
};

}  // namespace

result<http_response> list_response(std::string begin, object_source items, std::string end) {
    auto body = std::make_unique<list_body>(std::move(begin), std::move(items), std::move(end));
    auto first = body->make_piece();
    if (!first) return first.error();
    if (body->has_ended()) return json_response(200, std::move(*first));
    body->put_back(std::move(*first));
    auto response = json_response(200, "");
    response.stream = std::move(body);
    response.stream_ends = true;
    return response;
}

}  // namespace rik::detail
