// When what has ended is started again.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <rik/base/nearest_word.hpp>
#include <rik/base/time_text.hpp>

#include <fmt/format.h>

#include <array>

namespace rik::detail {

namespace {

struct delay_annotation {
    std::string_view name;
    duration restart_delays::*at;
};
constexpr std::string_view first_name = "rik.io/restart-delay";
constexpr std::string_view max_name = "rik.io/restart-delay-max";
constexpr std::array delay_annotations{
    delay_annotation{first_name, &restart_delays::first},
    delay_annotation{max_name, &restart_delays::max},
    delay_annotation{"rik.io/restart-reset-after", &restart_delays::reset_after},
};

constexpr duration delay_min = std::chrono::milliseconds(1);
constexpr duration delay_max = std::chrono::hours(24);

/// Milliseconds, and whole seconds as such.
std::string delay_text(duration of) {
    auto const millis = std::chrono::duration_cast<std::chrono::milliseconds>(of).count();
    return millis % 1000 == 0 ? fmt::format("{}s", millis / 1000) : fmt::format("{}ms", millis);
}

void read_delay(field_reader const& meta, std::string_view name, std::string_view text, duration& into) {
    auto const path = path_of(meta.path_of("annotations"), name);
    auto const read = parse_duration(text);
    if (!read)
        return meta.notes().problem(path, fmt::format("'{}' is no duration", shortened(text)), read.error().remedy);
    if (*read < delay_min || *read > delay_max)
        return meta.notes().problem(path, fmt::format("is {}, out of range", shortened(text)),
                                    "write a duration from 1ms to 24h");
    into = *read;
}

/// A longer first delay raises the longest, unless that is given, too.
void check_order(field_reader const& meta, string_map const& annotations, restart_delays& delays) {
    if (delays.first <= delays.max) return;
    if (annotations.contains(max_name))
        meta.notes().problem(path_of(meta.path_of("annotations"), first_name),
                             fmt::format("is longer than {}", max_name), "lower it, or raise the other");
    delays.max = delays.first;
}

/// A name that is almost one of ours would be of no effect, and nobody would see why.
void warn_of_unknown(field_reader const& meta, string_map const& annotations) {
    for (auto const& [key, text] : annotations) {
        if (!key.starts_with(own_label_prefix)) continue;
        nearest_word nearest(key);
        bool is_known = false;
        for (auto const& each : delay_annotations) {
            is_known = is_known || key == each.name;
            nearest.consider(each.name);
        }
        if (is_known) continue;
        auto const meant = nearest.found();
        meta.notes().warn_unused(path_of(meta.path_of("annotations"), key),
                                 meant ? fmt::format("RIK knows no such annotation; did you mean {}?", *meant)
                                       : std::string("RIK knows no such annotation"));
    }
}

}  // namespace

restart_policy usual_restart(definition_form form) {
    return form == definition_form::rik ? restart_policy::never : restart_policy::always;
}

void read_delays(field_reader const& meta, string_map const& annotations, restart_delays& into) {
    for (auto const& each : delay_annotations)
        if (auto const found = annotations.find(each.name); found != annotations.end())
            read_delay(meta, each.name, found->second, into.*each.at);
    check_order(meta, annotations, into);
    warn_of_unknown(meta, annotations);
}

string_map annotations_with(string_map annotations, restart_delays const& delays) {
    parsed_definition ignored;
    findings notes(ignored);
    json::object const nothing;
    restart_delays written;
    read_delays(field_reader(nothing, {}, notes), annotations, written);
    if (written == delays) return annotations;
    for (auto const& each : delay_annotations) annotations[std::string(each.name)] = delay_text(delays.*each.at);
    return annotations;
}

}  // namespace rik::detail
