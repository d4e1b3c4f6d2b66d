#include <rik/model/workload.hpp>

namespace rik {

release make_release(release_id const& id, workload_id const& workload, definition_ptr from) {
    release made{.id = id, .workload = workload};
    made.definition = std::move(from);
    made.requests = effective_requests(made.spec());
    return made;
}

bool is_one_with_its_instance(workload const& row) {
    return row.kind == workload_kind::pod && row.definition->form == definition_form::kubernetes;
}

}  // namespace rik
