const kept = new Map();
const server = require("http").createServer(async (request, response) => {
	const n = Number(request.url.split("/")[2]);
	const data = [];
	for (let i = 0; i < n; i++)
		data.push({id: i, name: "n" + i, buffer: Buffer.alloc(4000)});
	kept.set(request.url, data);
	await new Promise((resolve) => setTimeout(resolve, n % 3));
	const body = "x".repeat(n * 1000) + request.url;
	response.writeHead(200, {"Content-Length": body.length});
	response.end(body);
});
server.keepAliveTimeout = 60000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
