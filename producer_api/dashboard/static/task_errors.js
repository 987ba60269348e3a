// What to do about a task that failed. Pure.

const ADVICE = {
  model_error: "The model server kept failing. See how it is, then retry the task.",
  rate_limited: "The model server kept refusing for its rate limit. Retry later, or lower the workers’ concurrency.",
  out_of_quota: "The account at the model server has no quota left. Fill it up, then retry the task.",
  misconfigured: "The workers’ model, key or address is refused. Mend their settings, then retry the task.",
  forbidden: "The model server refuses the workers’ key. Mend PROMPTMILL_LLM__API_KEY, then retry the task.",
  timeout: "Calls took longer than PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS. Allow fewer tokens, or more time; then retry.",
  unreachable: "The model server could not be reached. See whether it runs, then retry the task.",
  broken_off: "The model server broke off its answers. See its log, then retry the task.",
  malformed_answer: "What answered is no OpenAI-compatible server, or a proxy before it fails. Mend that, then retry.",
  unreadable_answer: "The answer holds what JSON does not allow. Ask for it in another way, or of another model.",
  result_too_large: "The answer is over PROMPTMILL_TASKS__MAX_RESULT_BYTES. Allow fewer tokens, or raise the limit.",
  rejected_by_model: "The model server refuses this prompt: its own words are in the whole answer below. Change the prompt.",
  context_length_exceeded: "The prompt is too long for the model. Shorten it, or name a model with a longer context.",
  worker_lost: "Ten workers ended while they had this task. See why they ended before you retry it.",
  handler_error: "This is an error of Promptmill. The record is in the dead letters; the workers’ log has the reason.",
  unsupported_endpoint: "The record on the topic is not one of Promptmill. See who writes to its topics.",
  unreadable_record: "The record on the topic is not one of Promptmill. See who writes to its topics.",
  expired: "It was not finished before its deadline. Retry it with its whole time, or add workers.",
  not_written: "The prompt could not be written in time. Submit it again.",
};

const OTHER = "The model server gave this reason. Change the prompt, or mend what it names, then retry the task.";

/** A sentence for an error's code; a code of the model's own gets a general one. */
export function adviceFor(code) {
  return ADVICE[code] ?? OTHER;
}
