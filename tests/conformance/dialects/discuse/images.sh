curl -X 'POST' \
  'https://api.discuse.com/api/v1/check' \
  -H 'accept: application/json' \
  -H 'x-client-id: xxx' \
  -H 'x-client-secret: xxx' \
  -H 'Content-Type: application/json' \
  -d '{
  "request": {
    "media": {
      "gif_url": [
        ""
      ],
      "image_url": [
        "https://example.com/image.jpg"
      ]
    },
    "user_id": "726fddcb-ba41-4eba-a14c-a5e2784c9925"
  },
  "settings": {
    "project_id": 31337
  }
}'
