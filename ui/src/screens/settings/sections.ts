import type { IconName } from "../../kit/icon";

export type SectionId = "general" | "gateway" | "security" | "tests" | "budget" | "notifications" | "data" | "about";
/** `rows` are what the palette finds; the section's component shows them. */
export type Section = { id: SectionId; label: string; icon: IconName; rows: string[] };

export const sections: Section[] = [
  {
    id: "general",
    label: "General",
    icon: "sliders",
    rows: ["Theme", "Time zone", "Text size", "Single keys", "Sidebar"],
  },
  {
    id: "gateway",
    label: "Gateway",
    icon: "server",
    rows: [
      "Gateway address",
      "Gateway port",
      "Start with the computer",
      "Keep running when the window closes",
      "Calls from other machines",
    ],
  },
  {
    id: "security",
    label: "Security",
    icon: "shield",
    rows: ["Where keys live", "Move keys to the keychain or a file", "Passphrase of the vault file"],
  },
  {
    id: "tests",
    label: "Connection tests",
    icon: "bolt",
    rows: ["Test connections by themselves", "Ready before the open"],
  },
  { id: "budget", label: "Global budget", icon: "gauge", rows: ["Daily budget", "Monthly budget"] },
  {
    id: "notifications",
    label: "Notifications",
    icon: "bell",
    rows: ["Desktop notifications", "Same prompt in a circle", "Idle hours", "Account is low"],
  },
  {
    id: "data",
    label: "Data & privacy",
    icon: "db",
    rows: ["Data folder", "Backup", "Restore a backup", "Sample data"],
  },
  { id: "about", label: "About", icon: "infoc", rows: ["Version"] },
];
