wireProvision(document.querySelector("main"));
