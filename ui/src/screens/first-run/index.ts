import type { Component } from "svelte";
import FirstRun from "./FirstRun.svelte";

/** What a window without any connection opens with. */
export const firstRun: Component | null = FirstRun;
