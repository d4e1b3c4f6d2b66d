#include "kernel_modules_detail.hpp"

#include <algorithm>
#include <set>

namespace rik::detail {

namespace {

std::string with_underscores(std::string_view name) {
    std::string made(name);
    std::replace(made.begin(), made.end(), '-', '_');
    return made;
}

class ordering {
public:
    explicit ordering(std::map<std::string, std::vector<std::string>> const& dependencies)
        : dependencies_(dependencies) {}

    void visit(std::string const& name) {
        auto const found = dependencies_.find(name);
        if (found == dependencies_.end() || !seen_.insert(name).second) return;
        for (auto const& each : found->second) visit(each);
        done_.push_back(name);
    }
    std::vector<std::string> take() { return std::move(done_); }

private:
    std::map<std::string, std::vector<std::string>> const& dependencies_;
    std::set<std::string> seen_;
    std::vector<std::string> done_;
};

}  // namespace

std::vector<std::string> needed_modules() {
    return {"virtio_mmio", "virtio_blk", "virtio_net", "virtio_console", "pvpanic_mmio"};
}

std::vector<std::string> dependencies_of(std::string_view module_file) {
    using namespace std::string_view_literals;
    constexpr auto key = "\0depends="sv;
    std::vector<std::string> found;
    auto const at = module_file.find(key);
    if (at == module_file.npos) return found;
    auto names = module_file.substr(at + key.size());
    names = names.substr(0, names.find('\0'));
    while (!names.empty()) {
        auto const end = std::min(names.find(','), names.size());
        if (end > 0) found.push_back(with_underscores(names.substr(0, end)));
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return found;
}

std::string module_name(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
    return with_underscores(path.substr(0, path.find(".ko")));
}

std::vector<std::string> in_order(std::vector<std::string> const& wanted,
                                  std::map<std::string, std::vector<std::string>> const& dependencies) {
    ordering order(dependencies);
    for (auto const& each : wanted) order.visit(each);
    return order.take();
}

}  // namespace rik::detail
