// Every view there is, in the order of the navigation. To add one: a module in views/, a line here.
//
// A view is {title, show(root, context)}. `show` fills `root`, an empty element, and returns; what it starts ends with
// `context.signal`. In the context are
//   api                     requests (api.js)
//   operator                operator.askAgain() before a retry lets a refused request ask for the token again
//   params, query           of the address, as text; state: what setQuery left with it, or null
//   setQuery(query, {isStep, state})   puts what is shown into the address; `state` stays in this browser
//   onQuery(handle)         handle(query, state) is called when the query changes by the browser's buttons; else shown anew
//   go(path, query)         goes to another view
//   announce(text)          says it to screen readers, not too often
//   notify(text, kind)      shows a short notice: info, good, bad
//   signal                  aborts when the view is left

import { deadLetterView } from "./views/dead_letter.js";
import { deadLettersView } from "./views/dead_letters.js";
import { overviewView } from "./views/overview.js";
import { submitView } from "./views/submit.js";
import { taskView } from "./views/task.js";
import { tasksView } from "./views/tasks.js";
import { topicView } from "./views/topic.js";
import { topicsView } from "./views/topics.js";
import { workersView } from "./views/workers.js";

/** What the navigation shows, and where each leads. */
export const GROUPS = [
  {
    title: "Work",
    views: [
      { path: "/", title: "Submit", icon: "submit", view: submitView },
      { path: "/tasks", title: "Tasks", icon: "tasks", view: tasksView },
    ],
  },
  {
    title: "Service",
    views: [
      { path: "/overview", title: "Overview", icon: "overview", view: overviewView },
      { path: "/workers", title: "Workers", icon: "workers", view: workersView },
      { path: "/topics", title: "Topics", icon: "topics", view: topicsView },
      { path: "/dead-letters", title: "Dead letters", icon: "deadLetters", view: deadLettersView },
    ],
  },
];

/** Views that others lead to. */
export const FURTHER = [
  { path: "/tasks/:id", view: taskView },
  { path: "/topics/:topic", view: topicView },
  { path: "/dead-letters/:id", view: deadLetterView },
];
