#include "machine_end_detail.hpp"

#include "runtime/clean_text_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace rik::detail {

namespace {

constexpr int signal_base = 128;
constexpr int panic_code = signal_base + 6;  // as a program that has called abort
constexpr int killed_code = signal_base + 9;
constexpr int failed_code = 1;
constexpr int cannot_execute = 126;

constexpr std::array kind_names{std::pair{end_kind::exited, std::string_view("exited")},
                                std::pair{end_kind::stopped, std::string_view("stopped")},
                                std::pair{end_kind::off, std::string_view("off")},
                                std::pair{end_kind::reset, std::string_view("reset")},
                                std::pair{end_kind::panicked, std::string_view("panicked")},
                                std::pair{end_kind::out_of_memory, std::string_view("out-of-memory")},
                                std::pair{end_kind::killed, std::string_view("killed")},
                                std::pair{end_kind::broken, std::string_view("broken")},
                                std::pair{end_kind::refused, std::string_view("refused")},
                                std::pair{end_kind::failed, std::string_view("failed")},
                                std::pair{end_kind::stuck, std::string_view("stuck")}};

std::optional<end_kind> kind_of(std::string_view name) {
    for (auto const& [kind, known] : kind_names)
        if (known == name) return kind;
    return std::nullopt;
}

/// Takes a line off.
std::string_view next_line(std::string_view& text) {
    auto const end = std::min(text.find('\n'), text.size());
    auto const line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

/// "end KIND CODE TEXT"
std::optional<machine_end> parse_end(std::string_view line) {
    if (!line.starts_with("end ")) return std::nullopt;
    line.remove_prefix(4);
    auto const kind = kind_of(line.substr(0, line.find(' ')));
    line.remove_prefix(std::min(line.find(' '), line.size() - 1) + 1);
    machine_end found;
    auto const [end, failure] = std::from_chars(line.data(), line.data() + line.size(), found.code);
    if (!kind || failure != std::errc{} || found.code < 0 || found.code > 255) return std::nullopt;
    found.kind = *kind;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    found.text = clean_text(line.substr(std::min<std::size_t>(line.size(), 1)), note_text_bytes_max);
    return found;
}

/// " 12 80 1500 2100 2400". What makes no sense is not known.
boot_times parse_times(std::string_view text) {
    boot_times found;
    for (auto* const each : {&found.prepared_ms, &found.qemu_ms, &found.kernel_ms, &found.init_ms, &found.up_ms}) {
        if (!text.starts_with(' ')) return {};
        auto const* const last = text.data() + text.size();
        auto const [end, failure] = std::from_chars(text.data() + 1, last, *each);
        if (failure != std::errc{} || *each < 0) return {};
        text = std::string_view(end, static_cast<std::size_t>(last - end));
    }
    return found;
}

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (text.size() > note_text_bytes_max) text.resize(note_text_bytes_max);
    return text;
}

}  // namespace

std::string_view to_string(end_kind kind) {
    for (auto const& [each, name] : kind_names)
        if (each == kind) return name;
    return "";
}

void machine_story::hear(guest_word word) {
    using what = guest_word::what;
    if (word.kind == what::up) is_up_ = true;
    if (word.kind == what::stopped) has_stopped_ = true;
    if (word.kind == what::exited)
        exit_ = std::move(word);
    else if (word.kind == what::failed || word.kind == what::refused)
        failed_ = std::move(word);
}

void machine_story::hear(qmp_word word) {
    if (word == qmp_word::panicked) has_panicked_ = true;
    if (word == qmp_word::off) is_off_ = true;
    if (word == qmp_word::reset) is_reset_ = true;
}

/// What the guest said first counts: whatever it did afterwards was on its way out.
machine_end machine_story::end(int code, std::string_view complaints) const {
    if (stuck_) return {end_kind::stuck, killed_code, *stuck_};
    if (failed_) {
        auto const kind = failed_->kind == guest_word::what::refused ? end_kind::refused : end_kind::failed;
        return {kind, kind == end_kind::refused ? cannot_execute : failed_code, failed_->text};
    }
    if (exit_) return {exit_->is_out_of_memory ? end_kind::out_of_memory : end_kind::exited, exit_->code, {}};
    if (has_stopped_) return {end_kind::stopped, 0, {}};
    if (has_panicked_) return {end_kind::panicked, panic_code, {}};
    if (code > signal_base) return {end_kind::killed, code, {}};
    if (is_off_) return {end_kind::off, 0, {}};
    // A kernel that panics before it has the means to say so begins anew.
    if (is_reset_) return {is_up_ ? end_kind::reset : end_kind::panicked, is_up_ ? 0 : panic_code, {}};
    return {end_kind::broken, code == 0 ? failed_code : code, std::string(complaints)};
}

void add_guest_times(boot_times& to, guest_times const& said) {
    if (to.kernel_ms == 0) {
        if (to.up_ms - said.began_ms_ago < to.qemu_ms) return;
        to.kernel_ms = to.up_ms - said.began_ms_ago;
    }
    auto const init_ms = to.up_ms - said.ready_ms_ago;
    if (init_ms >= to.kernel_ms) to.init_ms = init_ms;
}

std::vector<boot_step> steps_of(boot_times const& times, boot_kind how) {
    std::vector<boot_step> found;
    auto const add = [&](std::string_view name, std::int64_t after_ms) {
        if (after_ms > 0) found.push_back({std::string(name), after_ms});
    };
    add(boot_step_name::prepared, times.prepared_ms);
    add(boot_step_name::qemu, times.qemu_ms);
    add(how == boot_kind::warm ? boot_step_name::restored : boot_step_name::kernel, times.kernel_ms);
    add(boot_step_name::init, times.init_ms);
    add(boot_step_name::running, times.up_ms);
    return found;
}

std::string note_text(machine_note const& note) {
    auto const& at = note.times;
    std::string text =
        note.was_up ? fmt::format("up {} {} {} {} {}\n", at.prepared_ms, at.qemu_ms, at.kernel_ms, at.init_ms, at.up_ms)
                    : "";
    if (!note.end) return text;
    text += fmt::format("end {} {} {}\n", to_string(note.end->kind), note.end->code, one_line(note.end->text));
    auto const begin = note.console.size() - std::min(note.console.size(), note_console_bytes_max);
    return text + note.console.substr(begin);
}

machine_note parse_note(std::string_view text) {
    machine_note note;
    auto rest = text.substr(0, note_bytes_max);
    if (rest.starts_with("up\n") || rest.starts_with("up ")) {
        note.was_up = true;
        note.times = parse_times(next_line(rest).substr(2));
    }
    note.end = parse_end(next_line(rest));
    if (note.end) note.console = clean_text(rest, note_console_bytes_max);
    return note;
}

std::string describe(machine_end const& end) {
    auto const with_text = [&](std::string_view what) {
        return end.text.empty() ? std::string(what) : fmt::format("{}: {}", what, end.text);
    };
    switch (end.kind) {
        case end_kind::exited: return {};
        case end_kind::stopped: return "it was stopped";
        case end_kind::off: return "the machine has powered itself off";
        case end_kind::reset: return "the machine has restarted itself, which ends it here";
        case end_kind::panicked: return with_text("the machine's kernel has panicked");
        case end_kind::out_of_memory: return "the machine's kernel has killed its program for want of memory";
        case end_kind::killed: return fmt::format("QEMU was killed by signal {}", end.code - signal_base);
        case end_kind::broken: return with_text("QEMU has ended by itself");
        case end_kind::refused: return with_text("its program cannot be run");
        case end_kind::failed: return with_text("the machine could not make itself ready");
        case end_kind::stuck: return with_text("the machine did not come up");
    }
    return {};
}

}  // namespace rik::detail
