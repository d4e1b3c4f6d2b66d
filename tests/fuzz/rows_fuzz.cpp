// Stored rows, which another release or a damaged disk has written: refused, or read to what is written the same again.
#include <rik/base/assert.hpp>
#include <rik/model/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace {

class any_release final : public rik::release_source {
public:
    rik::release_ptr find_release(rik::release_id const& id) const override {
        rik::release made{.id = id};
        made.definition = std::make_shared<rik::workload_definition const>();
        return std::make_shared<rik::release const>(std::move(made));
    }
};

template <class Row, class Decode>
void check(rik::result<Row> const& read, Decode decode) {
    if (!read) return;
    auto const text = encode(*read);
    auto const again = decode(text);
    RIK_ASSERT(again.has_value());
    RIK_ASSERT(encode(*again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    any_release const releases;
    auto const decode_workload = [&](std::string_view row) { return rik::decode_workload(row, releases); };
    auto const decode_instance = [&](std::string_view row) { return rik::decode_instance(row, releases); };
    check(decode_workload(text), decode_workload);
    check(rik::decode_release(text), rik::decode_release);
    check(decode_instance(text), decode_instance);
    check(rik::decode_node(text), rik::decode_node);
    check(rik::decode_document(text), rik::decode_document);
    if (auto const document = rik::decode_document(text)) (void)rik::parse_event(*document);
    return 0;
}
