// A test report in words. Pure.
import type { Balance, CheckPoint, CheckReport, Connection, Learned } from "../../../backend";
import { count, duration, money, moneyInFull, span } from "../../../format";
import { stageName, verdictState } from "../../../presentation";

/** As many of the past are drawn. */
export const LAST = 12;

/** `all passed`, or `10 passed, 2 failed`. */
export function lastTests(points: CheckPoint[]): string {
  const amount = (verdict: CheckPoint["verdict"]) => points.filter((one) => one.verdict === verdict).length;
  if (points.length > 0 && amount("passed") === points.length) return "all passed";
  const words = [
    [amount("passed"), "passed"],
    [amount("limited"), "limited"],
    [amount("failed"), "failed"],
  ] as const;
  return words
    .filter(([many]) => many > 0)
    .map(([many, word]) => `${many} ${word}`)
    .join(", ");
}

/** `1.10 s to 1.46 s`: what tests that passed took; "" for fewer than three. */
export function usualTime(points: CheckPoint[]): string {
  const took = points.filter(({ verdict }) => verdict === "passed").map(({ took_ms }) => took_ms);
  if (took.length < 3) return "";
  const [least, most] = [duration(Math.min(...took)), duration(Math.max(...took))];
  return least === most ? least : `${least} to ${most}`;
}

/** `7 of 7 stages, 1.31 s` */
export function stagesLine(report: CheckReport): string {
  const passed = report.stages.filter(({ verdict }) => verdict === "passed").length;
  return `${passed} of ${report.stages.length} stages, ${duration(report.took_ms)}`;
}

/** What the test found out beside its verdict: label and words. */
export function foundOut(learned: Learned | null): { label: string; text: string }[] {
  if (!learned) return [];
  const works = (label: string, does: boolean | null) =>
    does === null ? [] : [{ label, text: does ? "Works" : "Does not work here" }];
  const limits = learned.limits.map(({ of, limit, remaining, reset_s }) => ({
    label: `Limit of ${of}`,
    text: [
      count(limit),
      remaining !== null && `${count(remaining)} left`,
      reset_s !== null && `more in ${span(reset_s * 1000)}`,
    ]
      .filter(Boolean)
      .join(", "),
  }));
  return [
    ...(learned.balance ? [{ label: "Account", text: balance(learned.balance) }] : []),
    ...limits,
    ...(learned.first_token_ms === null
      ? []
      : [{ label: "Streaming", text: `First token after ${duration(learned.first_token_ms)}` }]),
    ...works("Usage at the end of a stream", learned.stream_usage),
    ...works("Tools", learned.tools),
    ...works("JSON schema", learned.json_schema),
    ...works("Embeddings", learned.embeddings),
    ...clock(learned.skew_s),
  ];
}

function balance({ left, currency }: Balance): string {
  return currency === "USD" ? `${money(left)} left` : `${left} ${currency} left`;
}

function clock(skew: number | null): { label: string; text: string }[] {
  if (skew === null) return [];
  const text =
    skew === 0 ? "Same as the provider's" : `${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} the provider`;
  return [{ label: "Clock", text }];
}

/** The whole report as text, for a mail to a provider: the key is masked in it already. */
export function reportText(connection: Connection, report: CheckReport): string {
  const stages = report.stages.map(
    ({ stage, verdict, took_ms, evidence }) =>
      `${stageName(stage)}: ${verdict ? verdictState(verdict).text : "-"}, ${duration(took_ms)}${evidence && `, ${evidence}`}`,
  );
  return [
    `${connection.name} (${connection.provider_name}, ${connection.base_url})`,
    `Tested ${new Date(report.at).toISOString()}, ${duration(report.took_ms)} in all${report.cost === null ? "" : `, cost ${moneyInFull(report.cost)}`}`,
    report.title,
    report.detail,
    "",
    ...stages,
    ...(report.remedies.length > 0 ? ["", ...report.remedies.map(({ text }, at) => `${at + 1}. ${text}`)] : []),
    ...(report.answer ? ["", report.answer] : []),
  ].join("\n");
}
