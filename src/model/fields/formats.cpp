// The syntax of texts in definitions.
#include "model/definition_tree.hpp"
#include "model/fields/rows_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/image_name.hpp>
#include <rik/model/labels.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

namespace rik::detail::rows {

namespace {

using verdict = std::optional<error>;

verdict wrong(std::string_view field, std::string message, std::string_view remedy) {
    return error{errc::invalid, std::move(message), std::string(field), std::string(remedy)};
}

verdict check_key(std::string_view text, std::string_view field) {
    if (is_label_key(text)) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a legal key", shortened(text)), label_key_remedy);
}

verdict check_value(std::string_view text, std::string_view field) {
    if (text.empty() || is_label_text(text)) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a legal value of a label", shortened(text)),
                 "use letters, digits, '-', '_' and '.', at most 63; annotations take any text");
}

verdict check_image(std::string_view text, std::string_view field) {
    auto const parsed = parse_image_name(text);
    if (parsed) return std::nullopt;
    return wrong(field, fmt::format("'{}': {}", shortened(text), parsed.error().message), parsed.error().remedy);
}

verdict check_absolute(std::string_view text, std::string_view field) {
    if (text.empty() || text.starts_with('/')) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not an absolute path", shortened(text)), "begin it with /");
}

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

verdict check_variable(std::string_view text, std::string_view field) {
    auto const is_legal = [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; };
    if (!text.empty() && !is_digit(text.front()) && std::all_of(text.begin(), text.end(), is_legal))
        return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a legal name of a variable", shortened(text)),
                 "use letters, digits, '_', '-' and '.', not beginning with a digit");
}

bool is_number_up_to(std::string_view text, std::size_t digits_max, int base, int max) {
    int number = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), number, base);
    auto const is_whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return is_whole && text.size() <= digits_max && number >= 0 && number <= max;
}

/// The text before the first `mark`, which is taken off with it.
std::string_view take_until(std::string_view& text, char mark) {
    auto const end = std::min(text.find(mark), text.size());
    auto const part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

bool is_ipv4(std::string_view text) { return parse_ipv4(text).has_value(); }

/// The number of groups of an IPv6 address in `text`, which has no "::". At the end of all an IPv4 address counts as
/// two.
std::optional<int> count_groups(std::string_view text, bool is_end = true) {
    int count = 0;
    while (!text.empty()) {
        auto const has_more = text.find(':') != text.npos;
        auto const group = take_until(text, ':');
        if (has_more && text.empty()) return std::nullopt;
        if (is_end && !has_more && is_ipv4(group))
            ++count;
        else if (!is_number_up_to(group, 4, 16, 0xffff))
            return std::nullopt;
        ++count;
    }
    return count;
}

/// Source: RFC 4291, section 2.2.
bool is_ipv6(std::string_view text) {
    auto const gap = text.find("::");
    if (gap == text.npos) return count_groups(text) == 8;
    auto const before = count_groups(text.substr(0, gap), false);
    auto const behind = count_groups(text.substr(gap + 2));
    return before && behind && *before + *behind < 8;
}

verdict check_address(std::string_view text, std::string_view field) {
    if (is_ipv4(text) || is_ipv6(text)) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not an IP address", shortened(text)), "write for example 10.0.0.7");
}

bool has_blank(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

bool begins_with_one_of(std::string_view text, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](auto each) { return text.starts_with(each); });
}

/// Source: RFC 8089: "file:/path", "file:///path", "file://localhost/path".
verdict check_file_url(std::string_view text, std::string_view field) {
    auto path = text.substr(std::string_view("file:").size());
    for (std::string_view const host : {"//localhost/", "///"})
        if (path.starts_with(host)) path.remove_prefix(host.size() - 1);
    if (path.starts_with("//"))
        return wrong(field, fmt::format("'{}' names a host", shortened(text)), "write file:///PATH, of the node");
    if (!path.starts_with('/'))
        return wrong(field, fmt::format("'{}' is not an absolute path", shortened(text)), "write file:///PATH");
    return std::nullopt;
}

verdict check_rootfs(std::string_view text, std::string_view field) {
    if (has_blank(text)) return wrong(field, fmt::format("'{}' has a blank in it", shortened(text)), rootfs_remedy);
    if (begins_with_one_of(text, {"http://", "https://", "/"})) return std::nullopt;
    if (text.starts_with("file:")) return check_file_url(text, field);
    if (begins_with_one_of(text, {"docker://", "oci:"})) return check_image(text, field);
    if (text.find("://") == text.npos && parse_image_name(text))
        return wrong(field, fmt::format("'{}' is neither a URL nor a path", shortened(text)),
                     fmt::format("write docker://{} if an image of a registry is meant, else an http, https or file "
                                 "URL, an absolute path on the node, or oci:/PATH",
                                 text));
    return wrong(field, fmt::format("'{}' is nothing that a root file system is made from", shortened(text)),
                 rootfs_remedy);
}

verdict check_sha256(std::string_view text, std::string_view field) {
    auto const is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
    if (text.size() == 64 && std::all_of(text.begin(), text.end(), is_hex)) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a SHA-256", shortened(text)),
                 "write its 64 hex digits, as sha256sum prints them");
}

/// Source: capabilities(7), as of Linux 6.1.
constexpr std::array<std::string_view, 41> known_capabilities{"AUDIT_CONTROL",   "AUDIT_READ",   "AUDIT_WRITE",
                                                              "BLOCK_SUSPEND",   "BPF",          "CHECKPOINT_RESTORE",
                                                              "CHOWN",           "DAC_OVERRIDE", "DAC_READ_SEARCH",
                                                              "FOWNER",          "FSETID",       "IPC_LOCK",
                                                              "IPC_OWNER",       "KILL",         "LEASE",
                                                              "LINUX_IMMUTABLE", "MAC_ADMIN",    "MAC_OVERRIDE",
                                                              "MKNOD",           "NET_ADMIN",    "NET_BIND_SERVICE",
                                                              "NET_BROADCAST",   "NET_RAW",      "PERFMON",
                                                              "SETFCAP",         "SETGID",       "SETPCAP",
                                                              "SETUID",          "SYSLOG",       "SYS_ADMIN",
                                                              "SYS_BOOT",        "SYS_CHROOT",   "SYS_MODULE",
                                                              "SYS_NICE",        "SYS_PACCT",    "SYS_PTRACE",
                                                              "SYS_RAWIO",       "SYS_RESOURCE", "SYS_TIME",
                                                              "SYS_TTY_CONFIG",  "WAKE_ALARM"};

verdict check_capability(std::string_view text, std::string_view field) {
    auto const name = text.starts_with("CAP_") ? text.substr(4) : text;
    if (text == "ALL" ||
        std::find(known_capabilities.begin(), known_capabilities.end(), name) != known_capabilities.end())
        return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a capability of Linux", shortened(text)),
                 "write for example NET_ADMIN, or ALL; see capabilities(7)");
}

constexpr std::array<std::string_view, 8> field_paths{"metadata.name", "metadata.namespace", "metadata.uid",
                                                      "spec.nodeName", "status.podIP",       "status.podIPs",
                                                      "status.hostIP", "status.hostIPs"};

/// metadata.labels['KEY'] and metadata.annotations['KEY'] name an entry, too.
bool is_field_path(std::string_view path) {
    if (std::find(field_paths.begin(), field_paths.end(), path) != field_paths.end()) return true;
    for (std::string_view const map : {"metadata.labels['", "metadata.annotations['"})
        if (path.starts_with(map) && path.ends_with("']"))
            return path.size() > map.size() + 2 && is_label_key(path.substr(map.size(), path.size() - map.size() - 2));
    return false;
}

verdict check_field_path(std::string_view text, std::string_view field) {
    if (is_field_path(text)) return std::nullopt;
    return wrong(field, fmt::format("'{}' names no field that a variable can have", shortened(text)),
                 "use metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], "
                 "metadata.annotations['KEY'], spec.nodeName, status.podIP or status.hostIP");
}

/// Source: RFC 6335, section 5.1.
verdict check_port_name(std::string_view text, std::string_view field) {
    auto const is_legal = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; };
    auto const has_letter = std::any_of(text.begin(), text.end(), is_letter);
    auto const is_right = has_letter && text.size() <= 15 && text.front() != '-' && text.back() != '-' &&
                          text.find("--") == text.npos && std::all_of(text.begin(), text.end(), is_legal);
    if (is_right) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a legal name of a port", shortened(text)),
                 "use at most 15 lower-case letters, digits and '-', with a letter among them");
}

/// Source: RFC 9110, 5.6.2 "Tokens", as Kubernetes has it.
verdict check_header_name(std::string_view text, std::string_view field) {
    auto const is_legal = [](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_legal)) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a legal name of a header", shortened(text)),
                 "use letters, digits and '-', for example X-Custom-Header");
}

constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

verdict check_header_value(std::string_view text, std::string_view field) {
    auto const is_illegal = [](char c) { return is_control(c) && c != '\t'; };
    if (std::none_of(text.begin(), text.end(), is_illegal)) return std::nullopt;
    return wrong(field, "has a character in it that no header may have", "write it in one line");
}

verdict check_host(std::string_view text, std::string_view field) {
    auto const is_legal = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
    if (std::all_of(text.begin(), text.end(), is_legal) || is_ipv6(text)) return std::nullopt;
    return wrong(field, fmt::format("'{}' is not a name of a host", shortened(text)),
                 "write a name or an address, without a port; leave it out for the Pod itself");
}

verdict check_mount_path(std::string_view text, std::string_view field) {
    if (text.empty()) return wrong(field, "is empty", "say where the container sees the volume");
    if (!text.starts_with('/')) return check_absolute(text, field);
    if (text.find(':') != text.npos)
        return wrong(field, fmt::format("'{}' has a ':' in it", shortened(text)), "choose another path");
    if (text.find_first_not_of("/.") != text.npos) return std::nullopt;
    return wrong(field, "is the root, and the volume would hide the whole image", "choose a directory below it");
}

verdict check_label_or_none(std::string_view text, std::string_view field) {
    return text.empty() ? std::nullopt : check_label_name(text, field);
}

/// Source: Kubernetes, validateLocalDescendingPath.
verdict check_sub_path(std::string_view text, std::string_view field) {
    if (text.starts_with('/'))
        return wrong(field, fmt::format("'{}' is an absolute path", shortened(text)), "begin it below the volume");
    for (auto rest = text; !rest.empty();)
        if (take_until(rest, '/') == "..")
            return wrong(field, fmt::format("'{}' has '..' in it", shortened(text)), "name a directory of the volume");
    return std::nullopt;
}

}  // namespace

constinit text_format const dns_label{"DNS label", &check_label_name};
constinit text_format const dns_label_or_none{"DNS label", &check_label_or_none};
constinit text_format const dns_subdomain{"DNS name", &check_name};
constinit text_format const object_name{"DNS name", &check_object_name};
constinit text_format const label_key{"key of a label", &check_key};
constinit text_format const label_value{"value of a label", &check_value};
constinit text_format const image_text{"name of an image", &check_image};
constinit text_format const absolute_path{"absolute path", &check_absolute};
constinit text_format const variable_name{"name of a variable", &check_variable};
constinit text_format const field_path{"field of a Pod", &check_field_path};
constinit text_format const port_name{"name of a port", &check_port_name};
constinit text_format const ip_address{"IP address", &check_address};
constinit text_format const rootfs_text{"URL, path or image", &check_rootfs};
constinit text_format const sha256_text{"SHA-256", &check_sha256};
constinit text_format const capability_name{"capability", &check_capability};
constinit text_format const header_name{"name of a header", &check_header_name};
constinit text_format const header_value{"value of a header", &check_header_value};
constinit text_format const host_name{"name of a host", &check_host};
constinit text_format const mount_path{"absolute path", &check_mount_path};
constinit text_format const sub_path{"relative path", &check_sub_path};

}  // namespace rik::detail::rows
