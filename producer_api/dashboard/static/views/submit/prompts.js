// The request that a form's content stands for. Pure.

/** The prompts in a text: one for each line that is not empty, or the whole. */
export function promptsIn(text, { isWhole }) {
  const parts = isWhole ? [text] : text.split(/\r?\n/);
  return parts.map((part) => part.trim()).filter(Boolean);
}

/**
 * What is wrong with the fields, by their names; empty where all is well.
 *
 * `fields` are texts: {text, temperature, maxTokens, model}.
 */
export function faultsOf({ temperature, maxTokens, model, isOtherModel }, prompts) {
  const faults = {};
  if (!prompts.length) faults.text = "Write a prompt first.";
  if (temperature !== "" && !(Number(temperature) >= 0 && Number(temperature) <= 2)) {
    faults.temperature = "From 0 to 2, or empty for the model’s own.";
  }
  if (maxTokens !== "" && !(Number.isInteger(Number(maxTokens)) && Number(maxTokens) >= 1)) {
    faults.maxTokens = "A whole number from 1, or empty for no limit.";
  }
  if (isOtherModel && !model) faults.model = "Name a model, or choose one from the list.";
  return faults;
}

/** The body of POST /v1/tasks. A prompt without parameters of its own is sent as a text. */
export function requestOf({ temperature, maxTokens, model, lane, isStreamed }, prompts) {
  const parameters = {};
  if (temperature !== "") parameters.temperature = Number(temperature);
  if (maxTokens !== "") parameters.max_tokens = Number(maxTokens);
  const isPlain = Object.keys(parameters).length === 0;
  return {
    prompts: prompts.map((text) => (isPlain ? text : { messages: [{ role: "user", content: text }], ...parameters })),
    lane,
    stream: isStreamed,
    ...(model ? { model } : {}),
  };
}
