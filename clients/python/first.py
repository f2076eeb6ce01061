import httpx
from inkwell_session import Session

ada = {"email": "ada@example.com", "password": "tea and engines"}
with httpx.Client(base_url="http://127.0.0.1:8000") as inkwell:
    inkwell.post("/api/auth/register", json=ada)  # 409 from the second time on
    inkwell.auth = Session(inkwell.post("/api/auth/login", json=ada).raise_for_status().json())
    notes = {"title": "Notes", "content": "On engines.", "published": True}
    made = inkwell.post("/api/posts", json=notes).raise_for_status().json()
    print("published", made["post"]["id"], made["post"]["published_at"])
    for post in inkwell.get("/api/posts", params={"q": "engines"}).raise_for_status().json()["data"]:
        print(post["title"])
