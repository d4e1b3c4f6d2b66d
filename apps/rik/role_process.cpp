#include "role_process.hpp"

#include <utility>

namespace rik::app {

namespace {

/// All of them, with links in this process.
class joined_roles final : public role_process {
public:
    explicit joined_roles(std::unique_ptr<local_cluster> under) : under_(std::move(under)) {}
    operations* api() override { return &under_->api(); }
    awaitable<role_health> health() override { return under_->health(); }
    awaitable<error> failure() override { return under_->failure(); }
    awaitable<> stop() override { return under_->stop(); }

private:
    std::unique_ptr<local_cluster> under_;
};

class separate_roles final : public role_process {
public:
    explicit separate_roles(std::unique_ptr<local_roles> under) : under_(std::move(under)) {}
    operations* api() override { return under_->api(); }
    awaitable<role_health> health() override { return under_->health(); }
    awaitable<error> failure() override { return under_->failure(); }
    awaitable<> stop() override { return under_->stop(); }

private:
    std::unique_ptr<local_roles> under_;
};

awaitable<result<std::unique_ptr<role_process>>> open_joined(asio::any_io_executor executor, local_options local) {
    auto opened = co_await local_cluster::open(std::move(executor), std::move(local));
    if (!opened) co_return opened.error();
    co_return std::make_unique<joined_roles>(std::move(*opened));
}

awaitable<result<std::unique_ptr<role_process>>> open_separate(asio::any_io_executor executor, roles_options wanted) {
    auto const out = wanted.local.out;
    auto opened = co_await local_roles::open(std::move(executor), std::move(wanted));
    if (!opened) co_return opened.error();
    if (auto const address = (*opened)->link_address(); !address.empty())
        out.info("the scheduler listens for links", {{"address", address}});
    co_return std::make_unique<separate_roles>(std::move(*opened));
}

}  // namespace

awaitable<result<std::unique_ptr<role_process>>> open_roles(asio::any_io_executor executor, options const& chosen,
                                                            log out) {
    auto local = chosen.local;
    local.out = out;
    if (chosen.has_all_roles) return open_joined(std::move(executor), std::move(local));
    auto wanted = chosen.roles;
    wanted.local = std::move(local);
    if (chosen.insecure_links)
        out.warning("links without TLS: whoever reaches the address can take part in the cluster",
                    {{"address", wanted.link_listen}});
    return open_separate(std::move(executor), std::move(wanted));
}

}  // namespace rik::app
