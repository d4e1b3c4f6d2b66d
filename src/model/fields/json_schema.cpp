// The table of fields as a JSON schema.
#include "model/definition_tree.hpp"

#include <rik/model/fields.hpp>

#include <fmt/format.h>

#include <set>

namespace rik {

namespace {

namespace json = boost::json;

constexpr std::string_view quantity_pattern =
    R"(^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$)";

/// Writes each object of the table once, below $defs, and refers to it by name.
class schema_writer {
public:
    explicit schema_writer(definition_form of) : form_(of) {}

    json::object write() {
        json::array kinds;
        for (auto const& each : definition_types())
            if (each.form == form_) kinds.push_back(reference(*each.type));
        json::object schema;
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
        schema["$id"] = form_ == definition_form::rik ? "https://rik-org.github.io/rik/workloads/schema-v1.json"
                                                      : "https://rik-org.github.io/rik/workloads/kubernetes-v1.json";
        schema["title"] = form_ == definition_form::rik ? "Workload-v1" : "Workload-v1 in the form of Kubernetes";
        schema["description"] = "What RIK accepts. Fields that it refuses as not supported yet are left out.";
        schema["oneOf"] = std::move(kinds);
        schema["$defs"] = std::move(defined_);
        return schema;
    }

private:
    json::object reference(object_type const& of) {
        auto const& name = name_of(of);
        if (!defined_.contains(name)) {
            defined_[name] = nullptr;  // keeps its place before what it refers to
            defined_[name] = object_schema(of);
        }
        return {{"$ref", "#/$defs/" + name}};
    }

    /// Two objects of one name: an extended one and its base.
    std::string const& name_of(object_type const& of) {
        auto const found = names_.find(&of);
        if (found != names_.end()) return found->second;
        std::string name(of.name);
        while (!taken_.insert(name).second) name += "_";
        return names_.emplace(&of, std::move(name)).first->second;
    }

    json::object object_schema(object_type const& of) {
        json::object fields;
        json::array needed;
        for_each_field(of, [&](field const& row) {
            if (row.standing == field_standing::refused) return;
            fields[row.name] = field_schema(row);
            if (row.is_needed()) needed.push_back(json::value(row.name));
        });
        json::object schema{{"type", "object"}, {"description", of.about}};
        schema["properties"] = std::move(fields);
        if (!needed.empty()) schema["required"] = std::move(needed);
        schema["additionalProperties"] = false;
        return schema;
    }

    json::object field_schema(field const& row) {
        auto schema = type_schema(row);
        schema["description"] = row.standing == field_standing::kept
                                    ? fmt::format("{} Kept and not acted on: {}.", row.about, row.because)
                                    : std::string(row.about);
        if (!row.usual.empty() && row.type.kind == value_kind::word) schema["default"] = row.usual;
        return schema;
    }

    json::object type_schema(field const& row) {
        auto one = one_schema(row);
        switch (row.type.count) {
            case value_count::one: return one;
            case value_count::list: return {{"type", "array"}, {"items", std::move(one)}};
            case value_count::map: return {{"type", "object"}, {"additionalProperties", std::move(one)}};
            case value_count::list_or_one:
                return {{"oneOf", json::array{one, json::object{{"type", "array"}, {"items", one}}}}};
        }
        return one;
    }

    json::object one_schema(field const& row) {
        switch (row.type.kind) {
            case value_kind::text: return {{"type", "string"}};
            case value_kind::word: return word_schema(row);
            case value_kind::boolean: return {{"type", "boolean"}};
            case value_kind::integer:
                return {{"type", "integer"}, {"minimum", row.type.min}, {"maximum", row.type.max}};
            case value_kind::quantity:
                return {{"type", json::array{"string", "number"}}, {"pattern", quantity_pattern}};
            case value_kind::port:
            case value_kind::share: return {{"type", json::array{"string", "integer"}}};
            case value_kind::object: return reference(*row.type.object);
            case value_kind::anything: return {};
        }
        return {};
    }

    static json::object word_schema(field const& row) {
        if (row.type.has_any_case) return {{"type", "string"}};
        json::array words;
        for (auto rest = row.type.words; !rest.empty();) words.push_back(json::value(next_word(rest)));
        return {{"type", "string"}, {"enum", std::move(words)}};
    }

    definition_form form_;
    json::object defined_;
    std::map<object_type const*, std::string> names_;  // only looked up by pointer, never walked
    std::set<std::string> taken_;
};

/// Two blanks a level, one member a line.
void print(json::value const& value, std::size_t depth, std::string& into) {
    auto const indent = [&](std::size_t levels) { into += '\n' + std::string(2 * levels, ' '); };
    if (auto const* object = value.if_object(); object != nullptr && !object->empty()) {
        into += '{';
        for (auto const& member : *object) {
            if (&member != object->begin()) into += ',';
            indent(depth + 1);
            into += json::serialize(member.key()) + ": ";
            print(member.value(), depth + 1, into);
        }
        indent(depth);
        into += '}';
    } else {
        into += json::serialize(value);
    }
}

}  // namespace

std::string json_schema(definition_form form) {
    std::string text;
    print(schema_writer(form).write(), 0, text);
    return text + '\n';
}

}  // namespace rik
