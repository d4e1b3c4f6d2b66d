// Definitions made from the table of fields: right by the table, or wrong in one place.
#pragma once

#include <rik/base/entropy.hpp>
#include <rik/model/fields.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::testing {

namespace json = boost::json;

/// Makes definitions of one form. What is right by the table may still be wrong as a whole: a request above its limit.
class definition_generator {
public:
    explicit definition_generator(entropy& random) : random_(random) {}

    json::object make(definition_type const& of) {
        auto made = make_object(*of.type);
        made["apiVersion"] =
            of.api_versions.find('/') == std::string_view::npos ? std::string_view("v1") : of.api_versions;
        made["kind"] = of.kind;
        if (one_of(4)) return made;
        if (of.kind == "Function") add_function(made, of);
        if (of.kind == "Job") return settle_job(managed_part(made, of.form), of.form), made;
        if (of.kind == "CronJob") return settle_cron_job(managed_part(made, of.form), of.form), made;
        if (!find_template(made, of.form)) settle(made);
        in(managed_part(made, of.form), "template", [&](json::object& from) { settle_managed(made, from, of.form); });
        return made;
    }

    /// What makes it wrong, and where.
    struct breakage {
        std::string path;
        std::string what;
    };
    /// Breaks one place of `made`: an unknown field, a field of the wrong type, a missing one, or one that is refused.
    std::optional<breakage> break_one(json::object& made, definition_type const& of) {
        return break_in(made, *of.type, {});
    }

private:
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool one_of(std::uint64_t count) { return below(count) == 0; }

    json::object make_object(object_type const& of) {
        json::object made;
        for_each_field(of, [&](field const& row) {
            auto const is_wanted = row.is_needed() || (row.standing == field_standing::acted_on && one_of(4));
            if (is_wanted) made[row.name] = make_value(row);
        });
        return made;
    }

    json::value make_value(field const& row) {
        switch (row.type.count) {
            case value_count::one: return make_one(row);
            case value_count::list: {
                json::array list;
                for (auto left = 1 + below(2); left > 0; --left) list.push_back(make_one(row));
                return list;
            }
            case value_count::map: {
                json::object map;
                for (auto left = below(3); left > 0; --left) map[word("key")] = make_one(row);
                return map;
            }
            case value_count::list_or_one: return one_of(2) ? make_one(row) : json::value(json::array{make_one(row)});
        }
        return nullptr;
    }

    /// Calls `visit(json::object&)` for each object of a list of `of`.
    template <class Visit>
    static void each_in(json::object& of, std::string_view list, Visit visit) {
        auto* found = of.if_contains(list);
        if (found == nullptr || !found->is_array()) return;
        for (auto& each : found->get_array())
            if (auto* object = each.if_object()) visit(*object);
    }
    template <class Visit>
    static void in(json::object& of, std::string_view name, Visit visit) {
        auto* found = of.if_contains(name);
        if (found != nullptr && found->is_object()) visit(found->get_object());
    }

    /// What has selector and template: the spec in Kubernetes' form, and all of it in RIK's.
    static json::object& managed_part(json::object& made, definition_form form) {
        if (form == definition_form::rik) return made;
        return made["spec"].get_object();
    }
    static bool find_template(json::object& made, definition_form form) {
        auto* part = form == definition_form::rik ? &made : made["spec"].if_object();
        return part != nullptr && part->contains("template");
    }

    /// A template that is kept running, a selector that matches it, bounds that let a rollout go on.
    void settle_managed(json::object& made, json::object& from, definition_form form) {
        settle(from);
        auto& part = managed_part(made, form);
        in(from, "spec", [&](json::object& spec) {
            spec.erase("restartPolicy");
            if (form == definition_form::rik) settle_template(spec);
        });
        auto const is_rik = form == definition_form::rik;
        if (!is_rik && !from.contains("metadata")) from["metadata"] = json::object();
        auto& meta = is_rik ? from : from["metadata"].get_object();
        in(part, "selector", [&](json::object& selector) {
            json::object labels{{"app", "x"}};
            selector = {{"matchLabels", labels}};
            if (one_of(2))
                selector["matchExpressions"] =
                    json::array{json::object{{"key", "app"}, {"operator", "In"}, {"values", json::array{"x", "y"}}},
                                json::object{{"key", "none"}, {"operator", "DoesNotExist"}}};
            meta["labels"] = std::move(labels);
        });
        part.erase("progressDeadlineSeconds");
        if (part.contains("minReadySeconds")) part["minReadySeconds"] = static_cast<std::int64_t>(below(600));
        in(part, "strategy", [](json::object& strategy) {
            if (strategy.contains("type") && strategy["type"] == "Recreate") strategy.erase("rollingUpdate");
        });
        in(part, "updateStrategy", [&](json::object& strategy) {
            if (made["kind"] == "StatefulSet")
                return in(strategy, "rollingUpdate", [](json::object& bounds) {
                    if (bounds.contains("maxUnavailable")) bounds["maxUnavailable"] = "25%";
                });
            in(strategy, "rollingUpdate", [&](json::object& bounds) {
                bounds[one_of(2) ? "maxSurge" : "maxUnavailable"] = 0;
                if (!bounds.contains("maxUnavailable") || !bounds.contains("maxSurge")) bounds.clear();
            });
        });
    }

    /// What has template and completions.
    void settle_job(json::object& job, definition_form form) {
        for (auto const* each : {"selector", "manualSelector", "managedBy", "podFailurePolicy", "successPolicy",
                                 "backoffLimitPerIndex", "maxFailedIndexes", "completionMode"})
            job.erase(each);
        in(job, "template", [&](json::object& from) {
            settle(from);
            if (form == definition_form::rik) in(from, "spec", [&](json::object& spec) { settle_template(spec); });
            in(from, "spec", [&](json::object& spec) { spec["restartPolicy"] = "Never"; });
        });
        if (one_of(2)) add_indexes(job);
        if (!one_of(3)) return;
        json::object const codes{{"operator", "In"}, {"values", json::array{1 + below(100), 200}}};
        job["podFailurePolicy"] = {{"rules", json::array{json::object{{"action", "FailJob"}, {"onExitCodes", codes}}}}};
        job.erase("podReplacementPolicy");
    }
    void add_indexes(json::object& job) {
        job["completionMode"] = "Indexed";
        job["completions"] = 1 + below(50);
        job["parallelism"] = below(9);
        if (one_of(2)) job["backoffLimitPerIndex"] = below(4);
        if (job.contains("backoffLimitPerIndex") && one_of(2)) job["maxFailedIndexes"] = 1;
        if (one_of(2)) job["successPolicy"] = {{"rules", json::array{json::object{{"succeededIndexes", "0"}}}}};
    }
    void settle_cron_job(json::object& cron, definition_form form) {
        cron["schedule"] = one_of(2) ? "@hourly" : "*/5 8-17 * * 1-5";
        in(cron, "jobTemplate", [&](json::object& job) {
            if (form == definition_form::rik) return settle_job(job, form);
            in(job, "spec", [&](json::object& spec) { settle_job(spec, form); });
        });
    }

    /// It is of a Pod or of a Function.
    void settle_template(json::object& spec) {
        auto const* const of_function = find_definition_type("Function", definition_form::rik)->type->find("spec");
        auto const is_function = spec.contains("function") && one_of(2);
        if (is_function) {
            std::vector<std::string> foreign;
            for (auto const& member : spec)
                if (of_function->type.object->find(std::string_view(member.key())) == nullptr)
                    foreign.emplace_back(member.key());
            for (auto const& each : foreign) spec.erase(each);
            spec.erase("containers");
            return;
        }
        spec.erase("function");
        auto const* const row = find_definition_type("Pod", definition_form::rik)->type->find("spec");
        auto const* const containers = row->type.object->find("containers");
        if (!spec.contains("containers")) spec["containers"] = make_value(*containers);
    }

    void settle_probe(json::object& container, std::string_view field) {
        in(container, field, [&](json::object& probe) {
            keep_one(probe, {"exec", "httpGet", "tcpSocket", "grpc"});
            probe.erase(field == "readinessProbe" ? "terminationGracePeriodSeconds" : "successThreshold");
        });
    }

    void add_function(json::object& made, definition_type const& of) {
        auto const* const row = of.type->find("spec")->type.object->find("function");
        in(made, "spec", [&](json::object& spec) {
            if (!spec.contains("function")) spec["function"] = make_value(*row);
        });
    }

    void settle_function(json::object& function) {
        if (one_of(8)) function["resources"] = json::object{{"limits", json::object{{"cpu", 2}}}};
        if (!function.contains("execution")) function["execution"] = json::object{{"rootfs", "/srv/a.ext4"}};
        for (auto const* field : {"livenessProbe", "readinessProbe", "startupProbe"}) settle_probe(function, field);
        in(function, "resources", [](json::object& resources) {
            for (auto const* list : {"requests", "limits"})
                in(resources, list, [](json::object& amounts) {
                    if (amounts.contains("memory")) amounts["memory"] = "128Mi";
                    amounts.erase("ephemeral-storage");
                });
        });
    }

    /// Makes what rows by themselves cannot: names that are unique or there, one action of a probe, and the like.
    void settle(json::object& made) {
        in(made, "spec", [&](json::object& spec) {
            std::vector<std::string> volumes;
            each_in(spec, "volumes", [&](json::object& volume) {
                volumes.push_back(fmt::format("v{}", volumes.size()));
                volume["name"] = volumes.back();
            });
            in(spec, "function", [&](json::object& function) { settle_function(function); });
            std::size_t count = 0;
            for (auto const* list : {"initContainers", "containers"}) {
                auto const is_init = std::string_view(list) == "initContainers";
                each_in(spec, list, [&](json::object& container) {
                    container["name"] = fmt::format("c{}", count++);
                    if (!is_init && one_of(2)) container.erase("role");
                    settle_container(container, is_init, volumes);
                });
            }
        });
    }

    void settle_container(json::object& container, bool is_init, std::vector<std::string> const& volumes) {
        auto const has_role = container.contains("role") && container["role"] == "init";
        if (has_role || (is_init && !container.contains("restartPolicy")))
            for (auto const* field : {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"})
                container.erase(field);
        for (auto const* field : {"livenessProbe", "readinessProbe", "startupProbe"}) settle_probe(container, field);
        in(container, "lifecycle", [&](json::object& lifecycle) {
            for (auto const* field : {"postStart", "preStop"})
                in(lifecycle, field, [&](json::object& hook) {
                    in(hook, "sleep", [](json::object& sleep) { sleep["seconds"] = 0; });
                    keep_one(hook, {"exec", "httpGet", "tcpSocket", "sleep"});
                });
        });
        if (volumes.empty()) container.erase("volumeMounts");
        each_in(container, "volumeMounts", [&](json::object& mount) {
            mount["name"] = volumes.at(below(volumes.size()));
            if (mount.contains("recursiveReadOnly")) mount["readOnly"] = true;
        });
    }

    /// Of the members that are `actions` one stays, or comes.
    static void keep_one(json::object& of, std::initializer_list<std::string_view> actions) {
        bool has_one = false;
        for (auto const action : actions) {
            if (has_one) of.erase(action);
            has_one = has_one || of.contains(action);
        }
        if (!has_one) of["tcpSocket"] = {{"port", 80}};
    }

    json::value make_one(field const& row) {
        switch (row.type.kind) {
            case value_kind::text: return json::value(make_text(row.type.format));
            case value_kind::word: return json::value(make_word(row));
            case value_kind::boolean: return one_of(2);
            case value_kind::integer: return make_integer(row.type);
            case value_kind::quantity: return make_quantity();
            case value_kind::port: return 1 + static_cast<std::int64_t>(below(65535));
            case value_kind::share: return "25%";
            case value_kind::object: return make_object(*row.type.object);
            case value_kind::anything: return json::object{};
        }
        return nullptr;
    }

    std::string word(std::string_view beginning) { return fmt::format("{}-{}", beginning, below(1000)); }

    std::string make_text(text_format const* format) {
        auto const name = format == nullptr ? std::string_view("text") : format->name;
        if (name == "name of an image") return "registry.test/" + word("image") + ":1.0";
        if (name == "absolute path") return "/srv/" + word("directory");
        if (name == "IP address") return fmt::format("10.0.0.{}", below(256));
        if (name == "URL, path or image")
            return one_of(2) ? "https://x.test/" + word("rootfs") : "/srv/" + word("rootfs");
        if (name == "SHA-256") return fmt::format("{:064x}", below(1u << 20));
        if (name == "field of a Pod") return one_of(2) ? "metadata.name" : "metadata.labels['app']";
        if (name == "capability") return one_of(2) ? "NET_ADMIN" : "ALL";
        if (name == "relative path") return "a/" + word("b");
        if (name == "name of a variable") return fmt::format("V{}", below(1000));
        return word("a");
    }

    std::string make_word(field const& row) {
        std::vector<std::string_view> legal;
        for (auto rest = row.type.words; !rest.empty();) {
            auto const each = next_word(rest);
            if (row.refused_words.find(each) == std::string_view::npos) legal.push_back(each);
        }
        return std::string(legal.at(below(legal.size())));
    }

    std::int64_t make_integer(value_type const& type) {
        switch (below(4)) {
            case 0: return type.min;
            case 1: return type.max;
            default:
                return type.min + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(type.max - type.min)));
        }
    }

    json::value make_quantity() {
        constexpr std::array<std::string_view, 5> texts{"500m", "64Mi", "1.5Gi", "2", "1e9"};
        if (one_of(3)) return 1 + static_cast<std::int64_t>(below(64)) * 4'194'304;
        return json::value(texts.at(below(texts.size())));
    }

    static std::string joined(std::string const& path, std::string_view name) {
        return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
    }

    /// Goes down into one of the objects of `made`, or breaks it itself.
    std::optional<breakage> break_in(json::object& made, object_type const& of, std::string const& path) {
        std::vector<std::pair<field const*, json::value*>> objects;
        for (auto& member : made) {
            auto const* row = of.find(std::string_view(member.key()));
            if (row != nullptr && row->type.object != nullptr) objects.emplace_back(row, &member.value());
        }
        if (objects.empty() || one_of(3)) return break_here(made, of, path);
        auto const& [row, value] = objects.at(below(objects.size()));
        auto const inside = joined(path, row->name);
        if (auto* object = value->if_object()) return break_in(*object, *row->type.object, inside);
        auto* list = value->if_array();
        if (list == nullptr || list->empty()) return std::nullopt;
        auto const which = below(list->size());
        return break_in((*list)[which].get_object(), *row->type.object, fmt::format("{}[{}]", inside, which));
    }

    std::optional<breakage> break_here(json::object& made, object_type const& of, std::string const& path) {
        switch (below(4)) {
            case 0: made["zzz"] = 1; return breakage{joined(path, "zzz"), "is not a field"};
            case 1:
                return set(made, of, path, "not supported yet", [](field const& row) {
                    return row.standing == field_standing::refused && row.type.kind != value_kind::boolean;
                });
            case 2: return drop_needed(made, of, path);
            default:
                return set(made, of, path, "", [](field const& row) {
                    return row.standing == field_standing::acted_on && row.type.kind != value_kind::anything;
                });
        }
    }

    /// A value that no field takes, for one of those that are `meant`.
    template <class Meant>
    std::optional<breakage> set(json::object& made, object_type const& of, std::string const& path,
                                std::string_view what, Meant meant) {
        std::vector<field const*> rows;
        for_each_field(of, [&](field const& row) {
            if (meant(row)) rows.push_back(&row);
        });
        if (rows.empty()) return std::nullopt;
        auto const* row = rows.at(below(rows.size()));
        if (row->name == "kind" || row->name == "metadata") return std::nullopt;
        made[row->name] = json::array{json::array{1}};
        auto const is_list = row->type.count == value_count::list || row->type.count == value_count::list_or_one;
        auto const inside = is_list && what.empty() ? "[0]" : "";
        return breakage{joined(path, row->name) + inside, std::string(what)};
    }

    std::optional<breakage> drop_needed(json::object& made, object_type const& of, std::string const& path) {
        std::vector<field const*> rows;
        for_each_field(of, [&](field const& row) {
            if (row.is_needed() && row.name != "kind" && row.name != "metadata") rows.push_back(&row);
        });
        if (rows.empty()) return std::nullopt;
        auto const* row = rows.at(below(rows.size()));
        made.erase(row->name);
        return breakage{joined(path, row->name), "is missing"};
    }

    entropy& random_;
};

}  // namespace rik::testing
