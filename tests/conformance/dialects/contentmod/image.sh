curl --request POST \
  --url https://api.contentmod.io/image \
  --header 'Authorization: Bearer <token>' \
  --header 'Content-Type: application/json' \
  --data '{
  "image": "This is a very cool api",
  "options": {
    "meta": {},
    "callbackUrl": "<string>",
    "defer": true,
    "actorId": "<string>"
  }
}'
