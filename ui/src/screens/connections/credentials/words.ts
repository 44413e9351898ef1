// The versions of a key in words. Pure: the clock and the zone are parameters.
import type { Credentials, CredentialState, CredentialVersion } from "../../../backend";
import { ago, day, plural } from "../../../format";
import type { JackState } from "../../../kit/jack";
import type { State } from "../../../presentation";

const DAY_MS = 86_400_000;

const LOOKS: Record<CredentialState, State & { jack: JackState }> = {
  active: { text: "Live", icon: "okc", tone: "ok", jack: "ok" },
  standby: { text: "Standby", icon: "pause", tone: "off", jack: "next" },
  staged: { text: "Not in use yet", icon: "ring", tone: "info", jack: "next" },
  retiring: { text: "Retired", icon: "hist", tone: "off", jack: "skip" },
  revoked: { text: "Revoked", icon: "minus", tone: "off", jack: "skip" },
  purged: { text: "Erased", icon: "trash", tone: "off", jack: "skip" },
};

export const versionState = (state: CredentialState) => LOOKS[state];

const ORDER: CredentialState[] = ["active", "standby", "staged", "retiring", "revoked", "purged"];

/** The live one first, then those that wait, then those of the past; among equals the newest first. */
export function inOrder(versions: CredentialVersion[]): CredentialVersion[] {
  return [...versions].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.version - a.version);
}

/** By its last four; a short key tells nothing of itself. */
export const tailOf = ({ tail }: CredentialVersion): string => (tail ? `•••• ${tail}` : "short key");

/** What a person wants to know of a version, in one or two sentences. */
export function story(version: CredentialVersion, all: CredentialVersion[], now: number, zone: string): string {
  switch (version.state) {
    case "active":
      return [`Added ${since(version.created_at, now, zone)}`, used(version, now, zone), ends(version, now, zone)]
        .filter(Boolean)
        .join(" ");
    case "standby":
      return `${tested(version, now, zone)} ${takesOver(all)}`;
    case "staged":
      return `Added ${since(version.created_at, now, zone)} ${tested(version, now, zone)}`;
    case "retiring":
    case "revoked":
      return `${lived(version, zone)} ${erasure(version, now, zone)}`.trim();
    case "purged":
      return `${lived(version, zone)} Secret erased ${version.purged_at === null ? "" : day(version.purged_at, zone)}.`;
  }
}

function since(at: number, now: number, zone: string): string {
  const days = Math.floor((now - at) / DAY_MS);
  return days < 1 ? `${ago(at, now, zone)}.` : `${day(at, zone)}, ${plural(days, "day")} ago.`;
}

function used({ requests, last_used_at }: CredentialVersion, now: number, zone: string): string {
  if (requests === 0) return "Not used yet.";
  return `${plural(requests, "request")}, last ${ago(last_used_at, now, zone)}.`;
}

function ends({ expires_at }: CredentialVersion, now: number, zone: string): string {
  if (expires_at === null) return "";
  return expires_at <= now ? `Ended ${day(expires_at, zone)}.` : `Ends ${day(expires_at - 1, zone)}.`;
}

function tested({ tested_at, test_verdict }: CredentialVersion, now: number, zone: string): string {
  if (tested_at === null) return "Not tested yet.";
  const how = test_verdict === "passed" ? "Passed" : test_verdict === "limited" ? "Was limited at" : "Failed";
  return `${how} its test ${ago(tested_at, now, zone)}.`;
}

function takesOver(all: CredentialVersion[]): string {
  const live = all.find(({ state }) => state === "active");
  return live ? `Takes over if version ${live.version} is refused or out of quota.` : "";
}

function lived({ activated_at, retired_at }: CredentialVersion, zone: string): string {
  if (activated_at === null) return "Never live.";
  return retired_at === null ? `Live since ${day(activated_at, zone)}.` : period(activated_at, retired_at, zone);
}

function period(from: number, to: number, zone: string): string {
  const [first, last] = [day(from, zone), day(to, zone)];
  return first === last ? `Live on ${first}.` : `Live ${first} to ${last}.`;
}

function erasure({ erase_at }: CredentialVersion, now: number, zone: string): string {
  if (erase_at === null) return "";
  const days = Math.ceil((erase_at - now) / DAY_MS);
  return days <= 0 ? "Its secret is erased at the next chance." : `Its secret is erased ${day(erase_at, zone)}.`;
}

/** `Reminder in 65 d.`, of the live version. */
export function reminderWords({ reminder, reminder_at }: Credentials, now: number): string {
  if (reminder === null || reminder_at === null || reminder_at <= now) return "";
  return `Reminder in ${Math.ceil((reminder_at - now) / DAY_MS)} d.`;
}

/** What is wrong with the age of the live key; "" for nothing. */
export function reminderNote({ reminder }: Credentials): string {
  switch (reminder) {
    case "due":
      return "This key is older than you wanted: rotate it";
    case "expires_soon":
      return "This key ends within a week: rotate it";
    case "expired":
      return "This key has ended: rotate it";
    default:
      return "";
  }
}

/** `every 90 days` */
export const everyDays = (days: number): string => (days === 1 ? "every day" : `every ${days} days`);
