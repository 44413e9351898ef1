import type { IconName } from "../../kit/icon";

export type SectionId = "general" | "gateway" | "budget" | "notifications" | "data" | "about";
/** `rows` are what the palette finds; the section's component shows them. */
export type Section = { id: SectionId; label: string; icon: IconName; rows: string[] };

export const sections: Section[] = [
  {
    id: "general",
    label: "General",
    icon: "sliders",
    rows: ["Theme", "Time zone", "Text size", "Single keys", "Sidebar"],
  },
  { id: "gateway", label: "Gateway", icon: "server", rows: ["Gateway address", "Gateway port"] },
  { id: "budget", label: "Global budget", icon: "gauge", rows: ["Daily budget", "Monthly budget"] },
  { id: "data", label: "Data", icon: "db", rows: ["Data folder", "Sample data"] },
  {
    id: "notifications",
    label: "Notifications",
    icon: "bell",
    rows: ["Desktop notifications", "Same prompt in a circle", "Idle hours"],
  },
  { id: "about", label: "About", icon: "infoc", rows: ["Version", "Keychain"] },
];
