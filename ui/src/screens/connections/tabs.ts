import type { Component } from "svelte";
import type { Connection } from "../../backend";
import ConnectionActivity from "../activity/ConnectionActivity.svelte";
import CredentialsTab from "./credentials/CredentialsTab.svelte";
import LimitsTab from "./LimitsTab.svelte";
import type { Query } from "../../stores/router.svelte";
import type { ConnectionSaves } from "./saves.svelte";
import ModelsTab from "./ModelsTab.svelte";
import SettingsTab from "./SettingsTab.svelte";
import TestTab from "./TestTab.svelte";

type Tab = {
  value: string;
  label: string;
  /** its fields save by themselves, and the foot tells how that went */
  saves: boolean;
  component: Component<{ connection: Connection; saves: ConnectionSaves }>;
};

/** The tabs of a connection's pane, in order. */
export const tabs: [Tab, ...Tab[]] = [
  { value: "settings", label: "Settings", saves: true, component: SettingsTab },
  { value: "credentials", label: "Credentials", saves: false, component: CredentialsTab },
  { value: "limits", label: "Limits", saves: true, component: LimitsTab },
  { value: "models", label: "Models", saves: false, component: ModelsTab },
  { value: "activity", label: "Activity", saves: false, component: ConnectionActivity },
  { value: "test", label: "Test", saves: false, component: TestTab },
];

/** The tab that an address means: the one with the field it points to, else the one it names, else the first. */
export function tabOf({ tab, focus }: Query): Tab {
  const wanted = focus === "secret" ? "credentials" : tab;
  return tabs.find(({ value }) => value === wanted) ?? tabs[0];
}
