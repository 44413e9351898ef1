import type { Component } from "svelte";
import { alerts } from "../../stores/alerts.svelte";
import AlertsTab from "./alerts/AlertsTab.svelte";
import AuditTab from "./audit/AuditTab.svelte";

/** `count` stands grey behind the label; `undefined` shows none. */
type Tab = { value: string; label: string; count?: () => number | undefined; component: Component };

/** What the screen shows side by side; the first opens by itself. Each brings its own list, detail pane and keys. */
export const tabs: Tab[] = [
  { value: "alerts", label: "Alerts", count: () => alerts.all.open.length, component: AlertsTab },
  { value: "audit", label: "Audit log", component: AuditTab },
];
