// What a probe says by HTTP, and what it makes of the answer: pure.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

inline constexpr std::size_t probe_head_bytes_max = 32u << 10;
inline constexpr std::size_t probe_body_bytes_max = 10u << 10;  ///< Source: Kubernetes, maxRespBodyLength
inline constexpr unsigned probe_redirects_max = 10;

/// Whom to ask for what.
struct http_place {
    bool is_https = false;
    std::string host;  ///< a name or an address, an IPv6 one without brackets
    std::uint16_t port = 0;
    std::string target;  ///< begins with a slash, and has nothing that may not be in a request
    friend bool operator==(http_place const&, http_place const&) = default;
};

/// `address` is that of the Pod.
http_place place_of(http_action const& action, std::string const& address);

/// Where `location` leads from `from`; nothing if that is no place for a probe.   Source: RFC 3986, 5.2
std::optional<http_place> resolve_location(http_place const& from, std::string_view location);

/// Errors: invalid, a header cannot be sent.
result<std::string> request_text(http_place const& to, std::vector<http_header> const& headers);

/// Reads an answer as it comes.
class http_answer {
public:
    http_answer();
    ~http_answer();

    /// Errors: corrupt, it is no HTTP, or its head is too long.
    result<void> take(std::string_view bytes);
    /// Its status is known. Answers before the real one (1xx) do not count.
    bool has_head() const;
    /// Nothing of it is to come, or the rest is not worth reading.
    bool is_over() const;
    unsigned status() const;
    std::string location() const;

private:
    class parser;
    result<bool> parse();

    std::string head_;
    std::unique_ptr<parser> parser_;
    unsigned early_answers_ = 0;
    bool is_body_enough_ = false;
};

/// Where the answer sends the probe; nothing if it sends it nowhere, or to another host.
std::optional<http_place> redirected(http_place const& asked, http_answer const& answer);
/// Returns what to tell of an answer that counts. Errors: unavailable, it is none of a program that is well.
result<std::string> verdict_on(http_answer const& answer);

}  // namespace rik::detail
