import { router } from "../../stores/router.svelte";
import { leading, moments } from "../activity/query";
import { shown } from "../../stores/usage-query";

/** Looks closer at what a chart's slots span: at days on the same screen; at an hour, beyond which nothing is closer, in the log. */
export function closer(from: string, to: string) {
  if (/^\d+$/.test(from)) {
    const of = leading(null, shown(router.query).conditions);
    router.open("activity", "", { ...of, ...moments(Number(from), Number(to)) });
  } else {
    router.narrow({ days: "", from, to });
  }
}
