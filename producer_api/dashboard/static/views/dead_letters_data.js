// Dead letters by why they died. Pure.

/** [{id, errorCode, reason, count, first, last}], the most frequent first; times are of the first and last death. */
export function groupsOf(letters) {
  const groups = new Map();
  for (const { error_code: errorCode, reason, failed_at: at } of letters) {
    const id = groupId({ errorCode, reason });
    const group = groups.get(id) ?? { id, errorCode, reason, count: 0, first: at, last: at };
    group.count += 1;
    group.first = Math.min(group.first, at);
    group.last = Math.max(group.last, at);
    groups.set(id, group);
  }
  return [...groups.values()].sort((one, other) => other.count - one.count || one.id.localeCompare(other.id));
}

/** Letters that died for the same reason have the same. */
export function groupId({ errorCode, reason }) {
  return JSON.stringify([errorCode, reason]);
}
