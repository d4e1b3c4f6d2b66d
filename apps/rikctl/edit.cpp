// `edit`: a definition in the user's editor, until it is right.
#include <rik/client/print.hpp>
#include <rik/client/text_file.hpp>
#include <rik/model/yaml.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <ostream>
#include <sstream>
#include <system_error>
#include <utility>

#include "change_parts.hpp"
#include "commands.hpp"
#include "parse_json.hpp"

namespace rikctl {

namespace {

using rik::errc;
using rik::error;
using rik::resource_kind;

constexpr std::string_view help_comment =
    "# Lines at the top that begin with '#' are left out. Save and close to change it. If nothing is\n"
    "# changed, or all is taken away, nothing is done.\n";

struct edit_options {
    std::string kind = {};
    std::string name = {};
    std::string definition_kind = {};
};

/// A file that only the user can read. It stays if `keep` was called.
class scratch_file {
public:
    static rik::result<scratch_file> make() {
        auto const* const directory = std::getenv("TMPDIR");
        std::string path = directory == nullptr || *directory == '\0' ? "/tmp" : directory;
        path += "/rikctl-edit-XXXXXX.yaml";
        auto const descriptor = ::mkstemps(path.data(), 5);
        if (descriptor < 0)
            return error{errc::internal,
                         fmt::format("{} cannot be made: {}", path, std::generic_category().message(errno))};
        ::close(descriptor);
        return scratch_file(std::move(path));
    }
    scratch_file(scratch_file&& other) noexcept
        : path_(std::exchange(other.path_, {})), is_kept_(std::exchange(other.is_kept_, true)) {}
    scratch_file& operator=(scratch_file&&) = delete;
    ~scratch_file() {
        if (!is_kept_) ::unlink(path_.c_str());
    }

    std::string const& path() const { return path_; }
    void keep() { is_kept_ = true; }
    rik::result<void> write(std::string const& text) const {
        std::ofstream to(path_, std::ios::trunc | std::ios::binary);
        to << text << std::flush;
        if (to.good()) return {};
        return error{errc::internal, fmt::format("{} cannot be written", path_)};
    }

private:
    explicit scratch_file(std::string path) : path_(std::move(path)) {}

    std::string path_;
    bool is_kept_ = false;
};

std::string without_comments(std::string_view text) {
    while (text.starts_with('#')) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    return std::string(text);
}

std::string as_comment(error const& problem) {
    std::istringstream lines(rik::printable(to_string(problem)));
    std::string text = "#\n# It cannot be changed like this:\n";
    for (std::string line; std::getline(lines, line);) text += fmt::format("#   {}\n", line);
    return text + "#\n";
}

std::string as_newer(std::string const& kept) {
    return fmt::format(
        "#\n# Somebody else has changed it meanwhile: this is how it is now. What you had written is in\n#   {}\n#\n",
        kept);
}

/// What is edited, and how a changed text is sent.
class edited_object {
public:
    virtual ~edited_object() = default;
    virtual rik::result<std::string> text() const = 0;
    /// Returns the answer. Errors: invalid, the text is wrong; others.
    virtual rik::result<std::string> send(std::string const& text) = 0;
    virtual void tell(session& with, std::string const& answer) const = 0;
    /// Reads it anew. Returns true if it has changed since it was read.
    virtual rik::result<bool> refresh() = 0;
};

/// Puts what the server has now into `object`. Returns true if that is another revision.
rik::result<bool> read_anew(rik::client& server, resource_kind kind, boost::json::value& object) {
    auto const found = server.get(kind, string_at(object, "/id"));
    if (!found) return found.error();
    auto now = parse_json(*found);
    auto const has_changed = number_at(now, "/revision") != number_at(object, "/revision");
    object = std::move(now);
    return has_changed;
}

class edited_workload final : public edited_object {
public:
    edited_workload(rik::client server, std::string_view object)
        : server_(std::move(server)), object_(parse_json(object)) {}

    rik::result<std::string> text() const override { return definition_yaml(object_); }
    rik::result<std::string> send(std::string const& text) override {
        if (auto const parsed = rik::parse_definition(text); !parsed.found.empty()) return rik::summarize(parsed.found);
        rik::change_wanted const how{.revision = static_cast<std::uint64_t>(number_at(object_, "/revision"))};
        return server_.replace_workload(string_at(object_, "/id"), {}, text, how);
    }
    void tell(session& with, std::string const& answer) const override {
        print_change(with, "warning", words_for(object_), parse_json(answer), false);
    }
    rik::result<bool> refresh() override { return read_anew(server_, resource_kind::workload, object_); }

private:
    rik::client server_;
    boost::json::value object_;
};

class edited_tenant final : public edited_object {
public:
    edited_tenant(rik::client server, std::string_view object)
        : server_(std::move(server)), object_(parse_json(object)) {}

    rik::result<std::string> text() const override {
        boost::json::object made{{"apiVersion", "v1"}, {"kind", "Tenant"}, {"name", string_at(object_, "/name")}};
        for (auto const* member : {"labels", "annotations"}) made[member] = texts_now(member);
        return rik::json_to_yaml(boost::json::serialize(made));
    }
    rik::result<std::string> send(std::string const& text) override {
        auto const read = rik::parse_definition_file(text);
        if (read.size() != 1) return error{errc::invalid, "there must be one definition"};
        if (!read.front().parsed.found.empty()) return rik::summarize(read.front().parsed.found);
        auto const& wanted = read.front().tenant;
        if (!wanted || wanted->name != string_at(object_, "/name"))
            return error{errc::invalid, "its kind and its name cannot change"};
        return server_.change_tenant(string_at(object_, "/id"), changes_to("labels", wanted->labels),
                                     changes_to("annotations", wanted->annotations),
                                     static_cast<std::uint64_t>(number_at(object_, "/revision")));
    }
    void tell(session& with, std::string const&) const override {
        with.out() << fmt::format("tenant {} changed\n", string_at(object_, "/name")) << std::flush;
    }
    rik::result<bool> refresh() override { return read_anew(server_, resource_kind::tenant, object_); }

private:
    boost::json::object texts_now(std::string_view member) const {
        auto const* const found = object_.is_object() ? object_.get_object().if_contains(member) : nullptr;
        return found != nullptr && found->is_object() ? found->get_object() : boost::json::object();
    }
    rik::label_changes changes_to(std::string_view member, rik::string_map const& wanted) const {
        rik::label_changes changes;
        for (auto const& each : texts_now(member))
            if (!wanted.contains(std::string(each.key()))) changes.emplace(each.key(), std::nullopt);
        for (auto const& [key, value] : wanted) changes.insert_or_assign(key, value);
        return changes;
    }

    rik::client server_;
    boost::json::value object_;
};

/// One editing after the other, until the text is right, or given up.
class editing {
public:
    editing(session& with, edited_object& what, scratch_file file) : with_(with), what_(what), file_(std::move(file)) {}

    exit_code run() {
        auto original = what_.text();
        if (!original) return with_.fail(original.error());
        auto text = *original;
        std::string comment;
        for (;;) {
            auto edited = edit(comment + text);
            if (!edited) return give_up(edited.error());
            auto const is_nothing = edited->find_first_not_of(" \t\r\n") == edited->npos;
            if (is_nothing || *edited == *original) return tell_unchanged();
            if (!comment.empty() && *edited == text) return give_up(wrong_);
            text = std::move(*edited);
            auto const done = what_.send(text);
            if (done) {
                what_.tell(with_, *done);
                return exit_code::ok;
            }
            if (done.error().code == errc::conflict && has_moved()) {
                auto const kept = keep(text);
                if (!kept) return give_up(kept.error());
                with_.warn(fmt::format("it was changed meanwhile; what was written is kept in {}", *kept));
                original = what_.text();
                if (!original) return give_up(original.error());
                text = *original;
                comment = as_newer(*kept);
                continue;
            }
            if (done.error().code != errc::invalid && done.error().code != errc::unsupported)
                return give_up(done.error());
            wrong_ = done.error();
            comment = as_comment(wrong_);
        }
    }

private:
    rik::result<std::string> edit(std::string const& text) {
        auto const written = file_.write(std::string(help_comment) + text);
        if (!written) return written.error();
        auto const done = with_.edit_file(file_.path());
        if (!done) return done.error();
        auto read = rik::read_text_file(file_.path(), rik::limits::definition_file_bytes_max);
        if (!read) return read.error();
        return without_comments(*read);
    }
    /// Has somebody else changed it meanwhile?
    bool has_moved() {
        auto const moved = what_.refresh();
        return moved && *moved;
    }
    /// Puts a text into a file of its own, for whoever has written it. Returns its path.
    static rik::result<std::string> keep(std::string const& text) {
        auto file = scratch_file::make();
        if (!file) return file.error();
        file->keep();
        if (auto const written = file->write(text); !written) return written.error();
        return file->path();
    }
    exit_code tell_unchanged() {
        with_.out() << "nothing was changed\n" << std::flush;
        return exit_code::ok;
    }
    /// Nobody's work is lost.
    exit_code give_up(error const& why) {
        file_.keep();
        auto const code = with_.fail(why);
        with_.err() << fmt::format("nothing was changed; the text is kept in {}\n", file_.path()) << std::flush;
        return code;
    }

    session& with_;
    edited_object& what_;
    scratch_file file_;
    error wrong_;
};

exit_code edit_as_told(session& with, edit_options const& options) {
    if (auto const wrong = wrong_definition_kind(options.kind, options.definition_kind); !wrong.empty())
        return with.fail_usage(wrong);
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const kind = *rik::parse_resource_kind(options.kind);
    auto const found = server->get(kind, options.name, options.definition_kind);
    if (!found) return with.fail(found.error());
    auto file = scratch_file::make();
    if (!file) return with.fail(file.error());
    std::unique_ptr<edited_object> what;
    if (kind == resource_kind::tenant)
        what = std::make_unique<edited_tenant>(std::move(*server), *found);
    else
        what = std::make_unique<edited_workload>(std::move(*server), *found);
    return editing(with, *what, std::move(*file)).run();
}

}  // namespace

void add_edit(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("edit", "Change a workload or a tenant in an editor");
    command->footer(
        "Examples:\n"
        "  rikctl edit workload web\n"
        "  rikctl edit sts/web                    also: edit sts web\n"
        "  EDITOR='code --wait' rikctl edit tenant team-a\n"
        "\n"
        "The editor is RIK_EDITOR, else VISUAL, else EDITOR, else vi. What is wrong is told at the top of the text, "
        "and\n"
        "the editor opened again; it is given up if nothing is changed then.\n");
    auto const options = std::make_shared<edit_options>();
    add_kind(*command, options->kind, {resource_kind::workload, resource_kind::tenant})->required();
    command->add_option("NAME", options->name, "Its name or id")->required()->type_name("")->check(check_given);
    add_definition_kind(*command, options->definition_kind);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return edit_as_told(with, *options); }; });
}

}  // namespace rikctl
