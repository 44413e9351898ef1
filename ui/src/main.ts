import { mount } from "svelte";
import App from "./App.svelte";
import "./tokens.css";
import "./base.css";

const target = document.getElementById("window");
if (!target) throw new Error("index.html has no #window");
mount(App, { target });
