import { asBackendError } from "../backend";
import { presentations, type Tone } from "../errors";
import type { IconName } from "../kit/icon";

export type ToastAction = { label: string; run: () => void };
export type Toast = {
  id: number;
  tone: Tone;
  icon: IconName;
  text: string;
  detail: string;
  action: ToastAction | null;
  /** until it is closed */
  stays: boolean;
};

const PLAIN_MS = 5000;
const WITH_ACTION_MS = 8000;
const AT_MOST = 3;
/** Errors that nobody closed fill the window in the end: then the oldest goes. */
const ERRORS = 5;

class Toasts {
  #list = $state.raw<Toast[]>([]);
  #next = 1;

  get list(): Toast[] {
    return this.#list;
  }

  done(text: string, action: ToastAction | null = null) {
    this.#show({ tone: "ok", icon: "okc", text, detail: "", action }, action ? WITH_ACTION_MS : PLAIN_MS);
  }

  note(text: string, icon: IconName = "infoc", tone: Tone = "off", action: ToastAction | null = null) {
    this.#show({ tone, icon, text, detail: "", action }, action ? WITH_ACTION_MS : PLAIN_MS);
  }

  /** An error stays until it is closed. */
  failed(thrown: unknown, action: ToastAction | null = null) {
    const error = asBackendError(thrown);
    const { icon, tone } = presentations[error.code];
    this.#show({ tone, icon, text: error.message, detail: error.hint, action }, null);
  }

  close(id: number) {
    this.#list = this.#list.filter((toast) => toast.id !== id);
  }

  #show(toast: Omit<Toast, "id" | "stays">, life: number | null) {
    const id = this.#next++;
    this.#list = fitting([...this.#list, { ...toast, id, stays: life === null }]);
    if (life !== null) setTimeout(() => this.close(id), life);
  }
}

/** What passes by itself gives way before an error does. */
function fitting(list: Toast[]): Toast[] {
  const errors = list.filter(({ stays }) => stays).slice(-ERRORS);
  const others = list.filter(({ stays }) => !stays).slice(-Math.max(1, AT_MOST - errors.length));
  return list.filter((toast) => errors.includes(toast) || others.includes(toast));
}

export const toasts = new Toasts();
